# The parents' phase: many phasings against the panel, both parents in each, and what
# their own reads link.


rule refine_calls:
    input:
        script=scripts / "refine_calls.py",
        library=library(
            "biallelic",
            "call_files",
            "copying",
            "copying_kernels",
            "error_classes",
            "genetic_map",
            "inheritance_kernels",
            "low_pass",
            "panel_bits",
            "parental_alleles",
            "processes",
            "state_choice",
            "stored_arrays",
            "swap_kernels",
        ),
        calls="results/call/{family}.{chrom}.bcf",
        calls_index="results/call/{family}.{chrom}.bcf.csi",
        bits="results/reference/panel/{chrom}.bits.npz",
        map="results/reference/maps/{chrom}.average.map",
        genome="results/reference/genome.fa",
        fai="results/reference/genome.fa.fai",
    output:
        bcf=temp("results/phase/genotypes/{family}.{chrom}.bcf"),
        index=temp("results/phase/genotypes/{family}.{chrom}.bcf.csi"),
    log:
        "logs/refine_calls/{family}.{chrom}.log",
    benchmark:
        "logs/refine_calls/{family}.{chrom}.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        parents=lambda wildcards: project.parents(wildcards.family),
        min_genotype_quality=config["phase"]["min_genotype_quality"],
        seed=config["seed"],
    shell:
        "python {input.script} --calls {input.calls} --parents {params.parents}"
        " --panel-bits {input.bits} --map {input.map} --genome {input.genome}"
        " --chrom {wildcards.chrom:q}"
        " --min-genotype-quality {params.min_genotype_quality}"
        " --seed {params.seed} --output {output.bcf} 2> {log}"


rule link_reads:
    input:
        script=scripts / "link_reads.py",
        library=library(
            "biallelic",
            "call_files",
            "phase_target",
            "processes",
        ),
        calls=genotypes_of_parents,
        calls_index=genotypes_index,
        genome="results/reference/genome.fa",
        fai="results/reference/genome.fa.fai",
        alignments=lambda wildcards: expand(
            "results/align/{sample}.cram", sample=parents_with_reads(wildcards)
        ),
        indexes=lambda wildcards: expand(
            "results/align/{sample}.cram.crai", sample=parents_with_reads(wildcards)
        ),
    output:
        bcf=temp("results/phase/links/{family}.{chrom}.bcf"),
        index=temp("results/phase/links/{family}.{chrom}.bcf.csi"),
    log:
        "logs/link_reads/{family}.{chrom}.log",
    benchmark:
        "logs/link_reads/{family}.{chrom}.benchmark.tsv"
    conda:
        "../envs/phase.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * 2 ** (attempt - 1),
        runtime=lambda wildcards, attempt: 480 * attempt,
    params:
        parents=parents_with_reads,
        min_genotype_quality=config["phase"]["min_genotype_quality"],
        min_mapping_quality=config["call"]["min_mapping_quality"],
    shell:
        "python {input.script} --calls {input.calls} --samples {params.parents}"
        " --alignments {input.alignments} --genome {input.genome}"
        " --chrom {wildcards.chrom:q}"
        " --min-genotype-quality {params.min_genotype_quality}"
        " --min-mapping-quality {params.min_mapping_quality}"
        " --output {output.bcf} 2> {log}"


rule phase_parents:
    input:
        script=scripts / "phase_parents.py",
        library=library(
            "biallelic",
            "call_files",
            "genetic_map",
            "haplotypes",
            "parental_phase",
            "phase_consensus",
            "phase_ensemble",
            "phase_graph",
            "phase_target",
            "processes",
            "provenance",
            "read_links",
        ),
        calls=genotypes_of_parents,
        calls_index=genotypes_index,
        links=linked_hets,
        panel="results/reference/panel/{chrom}.bcf",
        panel_index="results/reference/panel/{chrom}.bcf.csi",
        map="results/reference/maps/{chrom}.average.map",
        genome="results/reference/genome.fa",
        fai="results/reference/genome.fa.fai",
    output:
        bcf="results/phase/{family}.{chrom}.bcf",
        index="results/phase/{family}.{chrom}.bcf.csi",
    log:
        "logs/phase_parents/{family}.{chrom}.log",
    benchmark:
        "logs/phase_parents/{family}.{chrom}.benchmark.tsv"
    conda:
        "../envs/phase.yaml"
    # The runs of SHAPEIT4, each in one thread.
    threads: config["phase"]["runs"]
    resources:
        mem_mb=phase_memory_mb,
        heap_mb=lambda wildcards, attempt: 3000 * 2 ** (attempt - 1),
        runtime=lambda wildcards, attempt: 480 * attempt,
    params:
        parents=lambda wildcards: project.parents(wildcards.family),
        links=lambda wildcards, input: f"--links {input.links}" if input.links else "",
        phase=config["phase"],
        seed=config["seed"],
    shell:
        "python {input.script} --calls {input.calls} --parents {params.parents}"
        " --panel {input.panel} {params.links} --map {input.map}"
        " --genome {input.genome} --chrom {wildcards.chrom:q}"
        " --min-genotype-quality {params.phase[min_genotype_quality]}"
        " --mcmc-iterations {params.phase[mcmc_iterations]}"
        " --runs {params.phase[runs]} --draws {params.phase[draws]}"
        " --beagle-runs {params.phase[beagle_runs]}"
        " --link-error {params.phase[link_error]}"
        " --seed {params.seed} --threads {threads} --memory-mb {resources.heap_mb}"
        " --output {output.bcf} 2> {log}"
