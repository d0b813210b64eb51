# The parents' phase: SHAPEIT4 against the panel, both parents in one run.


rule phase_parents:
    input:
        script=scripts / "phase_parents.py",
        library=library(
            "biallelic", "call_files", "genetic_map", "processes", "provenance"
        ),
        calls="results/call/{family}.{chrom}.bcf",
        calls_index="results/call/{family}.{chrom}.bcf.csi",
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
    threads: 1
    resources:
        mem_mb=lambda wildcards, input, attempt: (
            int(2000 + 20 * input.size_mb) * 2 ** (attempt - 1)
        ),
        runtime=lambda wildcards, attempt: 480 * attempt,
    params:
        parents=lambda wildcards: project.parents(wildcards.family),
        phase=config["phase"],
        seed=config["seed"],
    shell:
        "python {input.script} --calls {input.calls} --parents {params.parents}"
        " --panel {input.panel} --map {input.map} --genome {input.genome}"
        " --chrom {wildcards.chrom:q}"
        " --min-genotype-quality {params.phase[min_genotype_quality]}"
        " --mcmc-iterations {params.phase[mcmc_iterations]}"
        " --seed {params.seed} --output {output.bcf} 2> {log}"
