# Ancestry: the panel's principal components once, then each family placed among them.


rule prepare_ancestry:
    input:
        script=scripts / "prepare_ancestry.py",
        library=library(
            "ancestry",
            "ancestry_sites",
            "bcf_kernels",
            "bcf_stream",
            "dosages",
            "hardy_weinberg",
            "panel_samples",
            "sex_chromosome",
            "stored_arrays",
        ),
        panels=expand("results/reference/panel/{chrom}.bcf", chrom=autosomes),
        indices=expand("results/reference/panel/{chrom}.bcf.csi", chrom=autosomes),
        labels=lookup("reference/panel_samples", within=config),
        long_range_ld=scripts.parent / "resources/long_range_ld.tsv",
    output:
        model="results/ancestry/reference.npz",
        table="results/ancestry/panel.tsv",
    log:
        "logs/prepare_ancestry/panel.log",
    benchmark:
        "logs/prepare_ancestry/panel.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=240,
    params:
        chromosomes=autosomes,
        components=lookup("ancestry/components", within=config),
        min_maf=lookup("ancestry/min_maf", within=config),
        thin_bp=lookup("ancestry/thin_bp", within=config),
        min_hwe_p=lookup("ancestry/min_hwe_p", within=config),
        build=lookup("reference/build", within=config),
        max_r2=lookup("ancestry/max_r2", within=config),
        max_sites=lookup("ancestry/max_sites", within=config),
    shell:
        "python {input.script} --panels {input.panels} --chromosomes {params.chromosomes}"
        " --panel-samples {input.labels:q} --components {params.components}"
        " --min-maf {params.min_maf} --thin-bp {params.thin_bp}"
        " --min-hwe-p {params.min_hwe_p} --long-range-ld {input.long_range_ld}"
        " --build {params.build}"
        " --max-r2 {params.max_r2} --max-sites {params.max_sites}"
        " --model {output.model} --table {output.table} 2> {log}"


rule infer_ancestry:
    input:
        script=scripts / "infer_ancestry.py",
        library=library(
            "admixture",
            "ancestry",
            "ancestry_family",
            "ancestry_populations",
            "ancestry_projection",
            "bcf_kernels",
            "bcf_stream",
            "dosages",
            "genetic_map",
            "panel_samples",
            "posterior_samples",
            "segregation",
            "sex_chromosome",
            "standardise",
            "stored_arrays",
        ),
        genomes="results/impute/{family}.bcf",
        index="results/impute/{family}.bcf.csi",
        model="results/ancestry/reference.npz",
        posteriors=expand(
            "results/impute/{{family}}.{chrom}.samples.npz", chrom=autosomes
        ),
        maps=expand("results/reference/maps/{chrom}.average.map", chrom=autosomes),
    output:
        "results/ancestry/{family}.tsv",
    log:
        "logs/infer_ancestry/{family}.log",
    benchmark:
        "logs/infer_ancestry/{family}.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=120,
    params:
        samples=lambda wildcards: project.members(wildcards.family),
        roles=member_roles,
        chromosomes=autosomes,
        outside_slack=lookup("ancestry/outside_slack", within=config),
        between_p=lookup("ancestry/between_p", within=config),
    shell:
        "python {input.script} --genomes {input.genomes} --model {input.model}"
        " --samples {params.samples} --roles {params.roles}"
        " --chromosomes {params.chromosomes} --posteriors {input.posteriors}"
        " --maps {input.maps} --outside-slack {params.outside_slack}"
        " --between-p {params.between_p} --output {output} 2> {log}"
