# Imputation: parents filled to all sites of the panel, then the embryos from them.


rule impute_parents:
    input:
        script=scripts / "impute_parents.py",
        library=library(
            "dosage_text",
            "genetic_map",
            "haplotypes",
            "provenance",
            "sex_chromosome",
            "single_sites",
        ),
        phased="results/phase/{family}.{chrom}.bcf",
        phased_index="results/phase/{family}.{chrom}.bcf.csi",
        panel="results/reference/panel/{chrom}.bcf",
        panel_index="results/reference/panel/{chrom}.bcf.csi",
        map="results/reference/maps/{chrom}.average.map",
    output:
        bcf="results/impute/parents/{family}.{chrom}.bcf",
        index="results/impute/parents/{family}.{chrom}.bcf.csi",
    log:
        "logs/impute_parents/{family}.{chrom}.log",
    benchmark:
        "logs/impute_parents/{family}.{chrom}.benchmark.tsv"
    conda:
        "../envs/impute.yaml"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        # Java's heap; the rest is for its own needs and for this script.
        heap_mb=lambda wildcards, attempt: 3000 * attempt,
        runtime=240,
    params:
        seed=lookup("seed", within=config),
        build=config["reference"]["build"],
        father=father_flag,
    shell:
        "python {input.script} --phased {input.phased} --panel {input.panel}"
        " --build {params.build} {params.father}"
        " --map {input.map} --chrom {wildcards.chrom} --seed {params.seed}"
        " --threads {threads} --memory-mb {resources.heap_mb}"
        " --output {output.bcf} 2> {log}"


rule impute_family:
    input:
        unpack(
            from_parents(
                parents="results/impute/parents/{family}.{chrom}.bcf",
                phased="results/phase/{family}.{chrom}.bcf",
            )
        ),
        script=scripts / "impute_family.py",
        library=library(
            "amplification",
            "amplification_record",
            "array_signal",
            "call_files",
            "confirmed_calls",
            "contamination_level",
            "dosage_text",
            "embryo_genome",
            "embryo_measures",
            "embryo_posterior",
            "embryo_qc",
            "embryo_sex",
            "error_classes",
            "family_sites",
            "genetic_map",
            "inheritance",
            "inheritance_kernels",
            "joint_posterior",
            "override_table",
            "parental_alleles",
            "posterior_samples",
            "processes",
            "sex_chromosome",
            "single_sites",
            "stored_arrays",
        ),
        overrides=overrides_of_chromosome,
        confirmed=confirmed_of_chromosome,
        family_sites="results/correct/families/{family}.{chrom}.npz",
        posterior="results/correct/families/{family}.{chrom}.posterior.npz",
        sexes=sex_files,
        map="results/reference/maps/{chrom}.average.map",
    output:
        genomes=temp("results/impute/{family}.{chrom}.bcf"),
        index=temp("results/impute/{family}.{chrom}.bcf.csi"),
        samples="results/impute/{family}.{chrom}.samples.npz",
    log:
        "logs/impute_family/{family}.{chrom}.log",
    benchmark:
        "logs/impute_family/{family}.{chrom}.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=120,
    params:
        parents=parent_flags,
        sources=source_flags("parents", "phased", "overrides", "confirmed"),
        sexes=sex_flags,
        build=config["reference"]["build"],
        error=lookup("correct/genotype_error", within=config),
        seed=lookup("seed", within=config),
    shell:
        "python {input.script} {params.sources} {params.parents}"
        " --family-sites {input.family_sites}"
        " --posterior {input.posterior} --map {input.map} --chrom {wildcards.chrom}"
        " --build {params.build} {params.sexes}"
        " --genotype-error {params.error} --seed {params.seed}"
        " --genomes {output.genomes} --samples {output.samples} 2> {log}"


# A male's one X is not copied yet: there the panel's frequencies have to do.
rule impute_alone:
    input:
        script=scripts / "impute_alone.py",
        library=library(
            "allele_counts",
            "amplification",
            "amplification_record",
            "array_signal",
            "bcf_kernels",
            "bcf_stream",
            "call_files",
            "contamination_level",
            "copying",
            "copying_kernels",
            "dosage_text",
            "embryo_evidence",
            "error_classes",
            "family_sites",
            "genetic_map",
            "inheritance",
            "inheritance_kernels",
            "panel_bits",
            "parental_alleles",
            "posterior_samples",
            "processes",
            "state_choice",
            "stored_arrays",
            "swap_kernels",
        ),
        bits="results/reference/panel/{chrom}.bits.npz",
        panel="results/reference/panel/{chrom}.bcf",
        family_sites="results/correct/families/{family}.{chrom}.npz",
        map="results/reference/maps/{chrom}.average.map",
        counts=lambda wildcards: expand(
            "results/call/counts/{embryo}.{chrom}.bcf",
            embryo=project.embryos(wildcards.family),
            chrom=wildcards.chrom,
        ),
        amplification=lambda wildcards: expand(
            "results/correct/embryos/{embryo}.amplification.json",
            embryo=project.embryos(wildcards.family),
        ),
    output:
        genomes=temp("results/impute/{family}.{chrom}.bcf"),
        index=temp("results/impute/{family}.{chrom}.bcf.csi"),
        samples="results/impute/{family}.{chrom}.samples.npz",
    log:
        "logs/impute_alone/{family}.{chrom}.log",
    benchmark:
        "logs/impute_alone/{family}.{chrom}.benchmark.tsv"
    wildcard_constraints:
        family=one_of(families_of_one),
        chrom=one_of(autosomes),
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 480 * attempt,
    params:
        embryos=lambda wildcards: project.embryos(wildcards.family),
        correct=config["correct"],
        seed=config["seed"],
    shell:
        "python {input.script} --panel-bits {input.bits} --panel {input.panel}"
        " --map {input.map} --chrom {wildcards.chrom:q}"
        " --family-sites {input.family_sites} --embryos {params.embryos}"
        " --counts {input.counts} --amplification {input.amplification}"
        " --max-depth {params.correct[max_depth]} --outlier {params.correct[outlier]}"
        " --n-samples {params.correct[samples]} --seed {params.seed}"
        " --genomes {output.genomes} --samples {output.samples} 2> {log}"


ruleorder: impute_alone > impute_family


rule gather_overrides:
    input:
        script=scripts / "gather_overrides.py",
        library=library(
            "error_classes",
            "override_table",
            "parental_alleles",
        ),
        overrides=overrides_of_family,
    output:
        "results/impute/{family}.overrides.tsv",
    log:
        "logs/gather_overrides/{family}.log",
    benchmark:
        "logs/gather_overrides/{family}.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        embryos=lambda wildcards: project.embryos(wildcards.family),
    shell:
        "python {input.script} --embryos {params.embryos}"
        " --overrides {input.overrides} --output {output} 2> {log}"


rule gather_genomes:
    input:
        genomes=expand("results/impute/{{family}}.{chrom}.bcf", chrom=chromosomes),
        indices=expand("results/impute/{{family}}.{chrom}.bcf.csi", chrom=chromosomes),
    output:
        bcf="results/impute/{family}.bcf",
        index="results/impute/{family}.bcf.csi",
    log:
        "logs/gather_genomes/{family}.log",
    benchmark:
        "logs/gather_genomes/{family}.benchmark.tsv"
    conda:
        "../envs/variants.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    shell:
        "(bcftools concat --no-version -Ob -o {output.bcf} {input.genomes}"
        " && bcftools index -f -c {output.bcf}) 2> {log}"
