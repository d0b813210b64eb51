# Correction: which parental haplotypes each embryo carries, and what amplification lost.
# One job an embryo, so that a new embryo in the sheet runs its own job only.


rule prepare_family:
    input:
        script=scripts / "prepare_family.py",
        library=library(
            "call_files",
            "family_sites",
            "genetic_map",
            "parental_alleles",
            "processes",
        ),
        sites="results/call/{family}.{chrom}.sites.tsv.gz",
        genotypes="results/call/{family}.{chrom}.bcf",
        genotypes_index="results/call/{family}.{chrom}.bcf.csi",
        imputed="results/impute/parents/{family}.{chrom}.bcf",
        imputed_index="results/impute/parents/{family}.{chrom}.bcf.csi",
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
        flip=lookup("correct/phase_flip", within=config),
        flip_rare=lookup("correct/phase_flip_rare", within=config),
        error=lookup("correct/genotype_error", within=config),
    shell:
        "python {input.script} --sites {input.sites} --genotypes {input.genotypes}"
        " --imputed {input.imputed} --chrom {wildcards.chrom} {params.parents}"
        " --map-female {input.map_female} --map-male {input.map_male}"
        " --phase-flip {params.flip} --phase-flip-rare {params.flip_rare}"
        " --genotype-error {params.error}"
        " --output {output} 2> {log}"


rule correct_embryo:
    input:
        script=scripts / "correct_embryo.py",
        library=library(
            "allele_counts",
            "amplification",
            "call_files",
            "embryo_posterior",
            "embryo_qc",
            "family_sites",
            "genetic_map",
            "inheritance",
            "inheritance_kernels",
            "parental_alleles",
            "processes",
            "segments",
        ),
        presets=scripts.parent / "resources/amplification.tsv",
        family_sites=lambda wildcards: expand(
            "results/correct/families/{family}.{chrom}.npz",
            family=family_of(wildcards.embryo),
            chrom=chromosomes,
        ),
        counts=expand("results/call/counts/{{embryo}}.{chrom}.bcf", chrom=chromosomes),
    output:
        posterior="results/correct/embryos/{embryo}.npz",
        measures="results/correct/embryos/{embryo}.qc.json",
        inheritance="results/correct/embryos/{embryo}.inheritance.tsv",
    log:
        "logs/correct_embryo/{embryo}.log",
    benchmark:
        "logs/correct_embryo/{embryo}.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=120,
    params:
        chromosomes=chromosomes,
        amplification=amplification_of,
        cells=cells_flag,
        prior_amplicons=lookup("correct/prior_amplicons", within=config),
        read_error=lookup("correct/read_error", within=config),
        damage_error=lookup("correct/damage_error", within=config),
        contamination=lookup("correct/contamination", within=config),
        phase_switch=lookup("correct/phase_switch", within=config),
        shares=lookup("correct/shares", within=config),
        max_depth=lookup("correct/max_depth", within=config),
        iterations=lookup("correct/em_iterations", within=config),
        tolerance=lookup("correct/em_tolerance", within=config),
        samples=lookup("correct/samples", within=config),
        seed=lookup("seed", within=config),
    shell:
        "python {input.script} --embryo {wildcards.embryo}"
        " --chromosomes {params.chromosomes} --family-sites {input.family_sites}"
        " --counts {input.counts} --amplification {params.amplification}"
        " --presets {input.presets} {params.cells}"
        " --prior-amplicons {params.prior_amplicons} --read-error {params.read_error}"
        " --damage-error {params.damage_error}"
        " --contamination {params.contamination} --phase-switch {params.phase_switch}"
        " --shares {params.shares} --max-depth {params.max_depth}"
        " --em-iterations {params.iterations} --em-tolerance {params.tolerance}"
        " --samples {params.samples} --seed {params.seed} --threads {threads}"
        " --posterior {output.posterior} --measures {output.measures}"
        " --inheritance {output.inheritance} 2> {log}"


rule gather_embryos:
    input:
        script=scripts / "gather_embryos.py",
        library=library(
            "call_files",
            "embryo_qc",
            "family_sites",
            "parental_alleles",
            "processes",
            "genetic_map",
        ),
        measures=lambda wildcards: expand(
            "results/correct/embryos/{embryo}.qc.json",
            embryo=project.embryos(wildcards.family),
        ),
        inheritance=lambda wildcards: expand(
            "results/correct/embryos/{embryo}.inheritance.tsv",
            embryo=project.embryos(wildcards.family),
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
    shell:
        "python {input.script} --measures {input.measures}"
        " --inheritance {input.inheritance} {params.thresholds}"
        " --qc {output.qc} --segments {output.segments} 2> {log}"
