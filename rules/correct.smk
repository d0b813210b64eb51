# Correction: which parental haplotypes each embryo carries, and what amplification lost.
# What amplification did is learnt by one job an embryo; a family is corrected together.


rule prepare_family:
    input:
        unpack(
            from_parents(
                genotypes=genotypes_of_parents,
                phased="results/phase/{family}.{chrom}.bcf",
                imputed="results/impute/parents/{family}.{chrom}.bcf",
            )
        ),
        script=scripts / "prepare_family.py",
        library=library(
            "call_files",
            "error_classes",
            "family_sites",
            "genetic_map",
            "parental_alleles",
            "processes",
            "sex_chromosome",
            "single_sites",
            "stored_arrays",
            "x_map",
            "x_parent",
        ),
        sites="results/call/{family}.{chrom}.sites.tsv.gz",
        map_female="results/reference/maps/{chrom}.female.map",
        map_male="results/reference/maps/{chrom}.male.map",
    output:
        "results/correct/families/{family}.{chrom}.npz",
    log:
        "logs/prepare_family/{family}.{chrom}.log",
    benchmark:
        "logs/prepare_family/{family}.{chrom}.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=60,
    params:
        parents=parent_flags,
        sources=source_flags("genotypes", "phased", "imputed"),
        error=lookup("correct/genotype_error", within=config),
        build=config["reference"]["build"],
    shell:
        "python {input.script} --sites {input.sites} {params.sources}"
        " --chrom {wildcards.chrom} --build {params.build} {params.parents}"
        " --map-female {input.map_female} --map-male {input.map_male}"
        " --genotype-error {params.error}"
        " --output {output} 2> {log}"


rule learn_amplification:
    input:
        script=scripts / "learn_amplification.py",
        library=library(
            "allele_counts",
            "amplification",
            "amplification_fit",
            "amplification_intervals",
            "amplification_record",
            "amplification_sites",
            "array_signal",
            "bcf_kernels",
            "bcf_stream",
            "call_files",
            "contamination_level",
            "error_classes",
            "family_sites",
            "genetic_map",
            "inheritance",
            "inheritance_kernels",
            "parental_alleles",
            "processes",
            "site_signals",
            "stored_arrays",
        ),
        presets=scripts.parent / "resources/amplification.tsv",
        family_sites=lambda wildcards: expand(
            "results/correct/families/{family}.{chrom}.npz",
            family=family_of(wildcards.embryo),
            chrom=autosomes,
        ),
        counts=expand("results/call/counts/{{embryo}}.{chrom}.bcf", chrom=autosomes),
    output:
        "results/correct/embryos/{embryo}.amplification.json",
    log:
        "logs/learn_amplification/{embryo}.log",
    benchmark:
        "logs/learn_amplification/{embryo}.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=120,
    params:
        chromosomes=autosomes,
        amplification=lambda wildcards: preset_of(wildcards.embryo),
        cells=cells_flag,
        array=lambda wildcards: array_flag(wildcards.embryo),
        correct=config["correct"],
    shell:
        "python {input.script} --embryo {wildcards.embryo}"
        " --chromosomes {params.chromosomes} --family-sites {input.family_sites}"
        " --counts {input.counts} --amplification {params.amplification}"
        " --presets {input.presets} {params.cells} {params.array}"
        " --array-error {params.correct[array_error]}"
        " --array-noise {params.correct[array_noise]}"
        " --prior-amplicons {params.correct[prior_amplicons]}"
        " --read-error {params.correct[read_error]}"
        " --damage-error {params.correct[damage_error]}"
        " --indel-error {params.correct[indel_error]}"
        " --contamination {params.correct[contamination]}"
        " --shares {params.correct[shares]} --max-depth {params.correct[max_depth]}"
        " --learn-sites {params.correct[learn_sites]}"
        " --em-iterations {params.correct[em_iterations]}"
        " --em-tolerance {params.correct[em_tolerance]} --threads {threads}"
        " --output {output} 2> {log}"


if x_chromosomes:

    rule infer_sex:
        input:
            script=scripts / "infer_sex.py",
            library=library(
                "allele_counts",
                "amplification",
                "amplification_record",
                "array_signal",
                "bcf_kernels",
                "bcf_stream",
                "call_files",
                "contamination_level",
                "embryo_measures",
                "embryo_qc",
                "embryo_sex",
                "error_classes",
                "family_sites",
                "genetic_map",
                "inheritance",
                "inheritance_kernels",
                "parental_alleles",
                "processes",
                "stored_arrays",
            ),
            family_sites=lambda wildcards: expand(
                "results/correct/families/{family}.{chrom}.npz",
                family=family_of(wildcards.embryo),
                chrom=x_chromosomes,
            ),
            counts=expand(
                "results/call/counts/{{embryo}}.{chrom}.bcf", chrom=x_chromosomes
            ),
            autosomal_sites=lambda wildcards: expand(
                "results/correct/families/{family}.{chrom}.npz",
                family=family_of(wildcards.embryo),
                chrom=autosomes,
            ),
            autosomal_counts=expand(
                "results/call/counts/{{embryo}}.{chrom}.bcf", chrom=autosomes
            ),
        output:
            "results/correct/embryos/{embryo}.sex.json",
        log:
            "logs/infer_sex/{embryo}.log",
        benchmark:
            "logs/infer_sex/{embryo}.benchmark.tsv"
        conda:
            "../envs/python.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: 4000 * attempt,
            runtime=60,
        params:
            sex=lambda wildcards: project.samples[wildcards.embryo].sex,
            x=x_chromosomes,
            autosomes=autosomes,
            array=lambda wildcards: array_flag(wildcards.embryo),
        shell:
            "python {input.script} --embryo {wildcards.embryo} --sex {params.sex}"
            " {params.array}"
            " --chrom {params.x} --family-sites {input.family_sites}"
            " --counts {input.counts} --autosomes {params.autosomes}"
            " --autosomal-sites {input.autosomal_sites}"
            " --autosomal-counts {input.autosomal_counts} --output {output} 2> {log}"


# A family's embryos inform each other: a new one corrects the family again, chromosome
# by chromosome, but nothing of it is aligned, counted or learnt anew.
rule correct_family:
    input:
        script=scripts / "correct_family.py",
        library=library(
            "absent_parents",
            "allele_counts",
            "amplification",
            "amplification_record",
            "array_signal",
            "bcf_kernels",
            "bcf_stream",
            "call_files",
            "contaminant",
            "contamination_level",
            "copying",
            "copying_kernels",
            "donor_copying",
            "dosage_text",
            "embryo_evidence",
            "embryo_kernels",
            "embryo_measures",
            "embryo_posterior",
            "embryo_qc",
            "embryo_sex",
            "error_classes",
            "family_chain",
            "family_input",
            "family_sampling",
            "family_sites",
            "genetic_map",
            "group_kernels",
            "inheritance",
            "inheritance_kernels",
            "joint_posterior",
            "order_kernels",
            "orientation_kernels",
            "panel_bits",
            "parental_alleles",
            "path_kernels",
            "polished_parents",
            "polished_phase",
            "processes",
            "segments",
            "sex_chromosome",
            "sibling_copying",
            "sibling_kernels",
            "sibling_swap_kernels",
            "siblings",
            "site_signals",
            "sparse_sweeps",
            "state_choice",
            "stored_arrays",
            "swap_kernels",
            "x_inheritance",
        ),
        family_sites="results/correct/families/{family}.{chrom}.npz",
        counts=lambda wildcards: expand(
            "results/call/counts/{embryo}.{chrom}.bcf",
            embryo=project.embryos(wildcards.family),
            chrom=wildcards.chrom,
        ),
        amplification=lambda wildcards: expand(
            "results/correct/embryos/{embryo}.amplification.json",
            embryo=project.embryos(wildcards.family),
        ),
        sexes=sex_files,
        panel_bits=donor_panel,
    output:
        posterior="results/correct/families/{family}.{chrom}.posterior.npz",
        evidence="results/correct/families/{family}.{chrom}.evidence.json",
        inheritance="results/correct/families/{family}.{chrom}.inheritance.tsv",
        parents="results/correct/families/{family}.{chrom}.parents.bcf",
        parents_index="results/correct/families/{family}.{chrom}.parents.bcf.csi",
    log:
        "logs/correct_family/{family}.{chrom}.log",
    benchmark:
        "logs/correct_family/{family}.{chrom}.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        # Without parents all sites of the panel tell something.
        mem_mb=lambda wildcards, attempt: attempt
        * (4000 if project.parents(wildcards.family) else 8000),
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        parents=parent_flags,
        embryos=lambda wildcards: project.embryos(wildcards.family),
        sexes=sex_flags,
        panel=source_flags("panel_bits"),
        correct=config["correct"],
        seed=config["seed"],
    shell:
        "python {input.script} --chrom {wildcards.chrom:q}"
        " --family-sites {input.family_sites} {params.parents}"
        " --embryos {params.embryos} --counts {input.counts}"
        " --amplification {input.amplification} {params.sexes} {params.panel}"
        " --max-depth {params.correct[max_depth]}"
        " --burn-in {params.correct[burn_in]} --sweeps {params.correct[sweeps]}"
        " --tolerance {params.correct[tolerance]} --samples {params.correct[samples]}"
        " --outlier {params.correct[outlier]} --seed {params.seed}"
        " --posterior {output.posterior} --evidence {output.evidence}"
        " --inheritance {output.inheritance} --parents {output.parents} 2> {log}"


# Where an embryo's own reads override what it inherited, or confirm what the parents'
# calls say, in families with a parent.
rule list_overrides:
    input:
        script=scripts / "list_overrides.py",
        library=library(
            "allele_counts",
            "amplification",
            "amplification_record",
            "array_signal",
            "bcf_kernels",
            "bcf_stream",
            "call_confirmation",
            "call_files",
            "confirmed_calls",
            "contaminant",
            "contamination_level",
            "embryo_kernels",
            "embryo_measures",
            "embryo_posterior",
            "embryo_qc",
            "embryo_sex",
            "error_classes",
            "family_chain",
            "family_evidence",
            "family_input",
            "family_overrides",
            "family_sites",
            "genetic_map",
            "group_kernels",
            "inheritance",
            "inheritance_kernels",
            "joint_posterior",
            "order_kernels",
            "orientation_kernels",
            "override_kernels",
            "override_table",
            "overrides",
            "parental_alleles",
            "path_kernels",
            "polished_phase",
            "processes",
            "segments",
            "sex_chromosome",
            "site_signals",
            "stored_arrays",
            "x_inheritance",
        ),
        family_sites="results/correct/families/{family}.{chrom}.npz",
        posterior="results/correct/families/{family}.{chrom}.posterior.npz",
        counts=lambda wildcards: expand(
            "results/call/counts/{embryo}.{chrom}.bcf",
            embryo=project.embryos(wildcards.family),
            chrom=wildcards.chrom,
        ),
        amplification=lambda wildcards: expand(
            "results/correct/embryos/{embryo}.amplification.json",
            embryo=project.embryos(wildcards.family),
        ),
        sexes=sex_files,
    output:
        overrides="results/correct/families/{family}.{chrom}.overrides.tsv",
        confirmed="results/correct/families/{family}.{chrom}.confirmed.npz",
    log:
        "logs/list_overrides/{family}.{chrom}.log",
    benchmark:
        "logs/list_overrides/{family}.{chrom}.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        embryos=lambda wildcards: project.embryos(wildcards.family),
        ordinary=ordinary_flags,
        sexes=sex_flags,
        correct=config["correct"],
    shell:
        "python {input.script} --chrom {wildcards.chrom:q}"
        " --family-sites {input.family_sites} --posterior {input.posterior}"
        " --embryos {params.embryos} --counts {input.counts}"
        " --amplification {input.amplification} {params.ordinary} {params.sexes}"
        " --max-depth {params.correct[max_depth]} --outlier {params.correct[outlier]}"
        " --genotype-error {params.correct[genotype_error]}"
        " --output {output.overrides} --confirmed {output.confirmed} 2> {log}"


rule gather_embryos:
    input:
        script=scripts / "gather_embryos.py",
        library=library(
            "amplification",
            "amplification_record",
            "array_signal",
            "call_files",
            "contamination_level",
            "embryo_measures",
            "embryo_qc",
            "embryo_sex",
            "embryo_verdict",
            "error_classes",
            "family_sites",
            "genetic_map",
            "inheritance",
            "inheritance_kernels",
            "parental_alleles",
            "polished_phase",
            "processes",
            "segments",
            "stored_arrays",
        ),
        amplification=lambda wildcards: expand(
            "results/correct/embryos/{embryo}.amplification.json",
            embryo=project.embryos(wildcards.family),
        ),
        evidence=expand(
            "results/correct/families/{{family}}.{chrom}.evidence.json",
            chrom=autosomes,
        ),
        sexes=sex_files,
        inheritance=expand(
            "results/correct/families/{{family}}.{chrom}.inheritance.tsv",
            chrom=chromosomes,
        ),
    output:
        qc="results/correct/{family}.qc.tsv",
        segments="results/correct/{family}.inheritance.tsv",
    log:
        "logs/gather_embryos/{family}.log",
    benchmark:
        "logs/gather_embryos/{family}.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        thresholds=qc_flags,
        sexes=sex_flags,
        x="".join(f"--x-name {chrom}" for chrom in x_chromosomes),
    shell:
        "python {input.script} --amplification {input.amplification}"
        " --evidence {input.evidence}"
        " --inheritance {input.inheritance} {params.thresholds}"
        " {params.sexes} {params.x}"
        " --qc {output.qc} --segments {output.segments} 2> {log}"
