# Scores: weights matched to the panel once, then each family scored and ranked.


trait_names = [trait.trait for trait in project.traits]
catalog_ids = [
    trait.scoring_file
    for trait in project.traits
    if pgs_catalog.is_id(trait.scoring_file)
]


if catalog_ids:

    # The files themselves are no outputs: Snakemake would remove them before it fetches
    # a further one. Local, since a cluster's nodes may have no network.
    rule fetch_scores:
        input:
            script=scripts / "fetch_scores.py",
            library=library("pgs_catalog", "scoring_file"),
        output:
            "results/score/catalog.tsv",
        log:
            "logs/fetch_scores/catalog.log",
        localrule: True
        conda:
            "../envs/python.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=120,
        params:
            pgs_ids=catalog_ids,
            build=lookup("reference/build", within=config),
            url=lookup("score/catalog_url", within=config),
        shell:
            "python {input.script} --pgs-ids {params.pgs_ids} --build {params.build}"
            " --url {params.url:q} --list {output} 2> {log}"


rule prepare_scores:
    input:
        script=scripts / "prepare_scores.py",
        library=library(
            "bcf_kernels",
            "bcf_stream",
            "dosages",
            "match_kernels",
            "panel_samples",
            "panel_sites",
            "score_match",
            "score_weights",
            "scoring_file",
            "scoring_kernels",
            "scoring_reader",
            "scoring_rows",
            "sex_chromosome",
            "stored_arrays",
        ),
        own_files=[
            trait.scoring_file
            for trait in project.traits
            if not pgs_catalog.is_id(trait.scoring_file)
        ],
        catalog="results/score/catalog.tsv" if catalog_ids else [],
        panels=expand("results/reference/panel/{chrom}.bcf", chrom=chromosomes),
        indices=expand("results/reference/panel/{chrom}.bcf.csi", chrom=chromosomes),
        labels=lookup("reference/panel_samples", within=config),
    output:
        weights="results/score/weights.npz",
        panel_scores="results/score/panel.npz",
    log:
        "logs/prepare_scores/panel.log",
    benchmark:
        "logs/prepare_scores/panel.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=240,
    params:
        traits=trait_names,
        scoring_files=scoring_files(),
        build=lookup("reference/build", within=config),
        chromosomes=chromosomes,
        # Like that of the PGS Catalog's files: no output, since Snakemake would remove it.
        cache="cache/scoring_files",
        ambiguous=lookup("score/ambiguous", within=config),
    shell:
        "POLARS_MAX_THREADS={threads} python {input.script} --traits {params.traits:q}"
        " --scoring-files {params.scoring_files:q} --build {params.build}"
        " --panels {input.panels} --chromosomes {params.chromosomes}"
        " --panel-samples {input.labels:q} --ambiguous {params.ambiguous}"
        " --cache {params.cache} --threads {threads}"
        " --weights {output.weights} --panel-scores {output.panel_scores} 2> {log}"


rule score_family:
    input:
        script=scripts / "score_family.py",
        library=library(
            "bcf_kernels",
            "bcf_stream",
            "disease_risk",
            "diseases",
            "dosages",
            "family_places",
            "family_risks",
            "family_scores",
            "family_view",
            "genetic_map",
            "match_kernels",
            "panel_samples",
            "panel_sites",
            "portability",
            "posterior_samples",
            "problems",
            "score_match",
            "score_table",
            "score_weights",
            "scoring_rows",
            "segregation",
            "sex_chromosome",
            "sheets",
            "standardise",
            "stored_arrays",
        ),
        genomes="results/impute/{family}.bcf",
        index="results/impute/{family}.bcf.csi",
        posteriors=expand(
            "results/impute/{{family}}.{chrom}.samples.npz", chrom=chromosomes
        ),
        weights="results/score/weights.npz",
        panel_scores="results/score/panel.npz",
        ancestry="results/ancestry/{family}.tsv",
        ancestry_panel="results/ancestry/panel.tsv",
        qc="results/correct/{family}.qc.tsv",
        parents=expand(
            "results/correct/families/{{family}}.{chrom}.parents.bcf",
            chrom=chromosomes,
        ),
        female_maps=expand(
            "results/reference/maps/{chrom}.female.map", chrom=chromosomes
        ),
        male_maps=expand("results/reference/maps/{chrom}.male.map", chrom=chromosomes),
        rates=rate_tables,
    output:
        scores="results/score/{family}.tsv",
        matches="results/score/{family}.match.tsv",
        paths="results/score/{family}.paths.npz",
    log:
        "logs/score_family/{family}.log",
    benchmark:
        "logs/score_family/{family}.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=240,
    params:
        samples=lambda wildcards: project.members(wildcards.family),
        roles=member_roles,
        chromosomes=chromosomes,
        traits=trait_names,
        diseases=disease_settings,
        min_weight_share=lookup("score/min_weight_share", within=config),
        min_reference_samples=lookup("score/min_reference_samples", within=config),
    shell:
        "python {input.script} --genomes {input.genomes} --posteriors {input.posteriors}"
        " --chromosomes {params.chromosomes} --weights {input.weights}"
        " --panel-scores {input.panel_scores} --ancestry {input.ancestry}"
        " --qc {input.qc} --samples {params.samples} --roles {params.roles}"
        " --traits {params.traits:q} --diseases {params.diseases:q}"
        " --ancestry-panel {input.ancestry_panel} --parents {input.parents}"
        " --female-maps {input.female_maps} --male-maps {input.male_maps}"
        " --min-weight-share {params.min_weight_share}"
        " --min-reference-samples {params.min_reference_samples}"
        " --scores {output.scores} --matches {output.matches}"
        " --paths {output.paths} 2> {log}"


rule rank_embryos:
    input:
        script=scripts / "rank_embryos.py",
        library=library(
            "ranking",
            "stored_arrays",
        ),
        scores="results/score/{family}.tsv",
        paths="results/score/{family}.paths.npz",
    output:
        "results/score/{family}.ranking.tsv",
    log:
        "logs/rank_embryos/{family}.log",
    benchmark:
        "logs/rank_embryos/{family}.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=10,
    params:
        traits=trait_names,
        daly_weight=daly_weights,
    shell:
        "python {input.script} --scores {input.scores} --paths {input.paths}"
        " --traits {params.traits:q} --daly-weight {params.daly_weight}"
        " --output {output} 2> {log}"
