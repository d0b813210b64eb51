# Families with a known truth: a simulated world (or founders that the user has), true
# genomes, reads, and at the end of the chain its accuracy. Without a `simulate` section
# in the config this file makes nothing.
from morula.simulation.plan import Plan

simulation_plan = (
    or_refuse(lambda: Plan(config["simulate"], project, chromosomes))
    if "simulate" in config
    else None
)
simulation_targets = simulation_plan.targets if simulation_plan else list

if simulation_plan:

    rule simulate:
        input:
            expand("results/simulate/truth/{chrom}.bcf", chrom=chromosomes),
            "results/simulate/truth/crossovers.tsv",
            "results/simulate/truth/dropout.tsv",
            expand(
                "results/simulate/reads/{sample}_{mate}.fq.gz",
                sample=project.samples,
                mate=[1, 2],
            ),
        localrule: True

    rule simulate_family:
        input:
            script=scripts / "simulate_family.py",
            library=library(
                "haplotypes",
                "genetic_map",
                "simulation/bcf",
                "simulation/meiosis",
                "simulation/streams",
            ),
            founders=simulation_plan.founders(),
            female=expand(
                "results/reference/maps/{chrom}.female.map", chrom=chromosomes
            ),
            male=expand("results/reference/maps/{chrom}.male.map", chrom=chromosomes),
            genome_index="results/reference/genome.fa.fai",
        output:
            genome="results/simulate/truth/samples/{sample}.bcf",
            index="results/simulate/truth/samples/{sample}.bcf.csi",
            segments="results/simulate/truth/samples/{sample}.segments.tsv",
        log:
            "logs/simulate_family/{sample}.log",
        benchmark:
            "logs/simulate_family/{sample}.benchmark.tsv"
        conda:
            "../envs/simulate.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: 2000 * attempt,
            runtime=30,
        params:
            kinship=lambda wildcards: simulation_plan.kinship_flags(wildcards.sample),
            chromosomes=chromosomes,
            seed=config["seed"],
        shell:
            "python {input.script} --sample {wildcards.sample} {params.kinship:q}"
            " --founders {input.founders:q} --chromosomes {params.chromosomes:q}"
            " --female-maps {input.female} --male-maps {input.male}"
            " --genome-index {input.genome_index} --seed {params.seed}"
            " --output {output.genome} --segments {output.segments} 2> {log}"

    rule simulate_reads:
        input:
            script=scripts / "simulate_reads.py",
            library=library(
                "haplotypes",
                "simulation/amplification",
                "simulation/molecules",
                "simulation/reads",
                "simulation/sequence",
                "simulation/streams",
            ),
            genome="results/reference/genome.fa",
            genome_index="results/reference/genome.fa.fai",
            truth="results/simulate/truth/samples/{sample}.bcf",
            truth_index="results/simulate/truth/samples/{sample}.bcf.csi",
        output:
            fq1="results/simulate/reads/{sample}_1.fq.gz",
            fq2="results/simulate/reads/{sample}_2.fq.gz",
            dropout="results/simulate/truth/samples/{sample}.dropout.tsv",
        log:
            "logs/simulate_reads/{sample}.log",
        benchmark:
            "logs/simulate_reads/{sample}.benchmark.tsv"
        conda:
            "../envs/simulate.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: 2000 * attempt,
            runtime=60,
        params:
            chromosomes=chromosomes,
            depth=lambda wildcards: simulation_plan.depth(wildcards.sample),
            reads=config["simulate"]["reads"],
            amplification=lambda wildcards: simulation_plan.amplification_flags(
                wildcards.sample
            ),
            seed=config["seed"],
        shell:
            "python {input.script} --sample {wildcards.sample}"
            " --genome {input.genome} --truth {input.truth}"
            " --chromosomes {params.chromosomes:q} --depth {params.depth}"
            " --read-length {params.reads[read_length]}"
            " --insert-mean {params.reads[insert_mean]}"
            " --insert-sd {params.reads[insert_sd]}"
            " --error-rate {params.reads[error_rate]}"
            " {params.amplification} --seed {params.seed}"
            " --fq1 {output.fq1} --fq2 {output.fq2} --dropout {output.dropout} 2> {log}"

    rule merge_truth:
        input:
            genomes=simulation_plan.genomes(),
        output:
            bcf="results/simulate/truth/{chrom}.bcf",
            index="results/simulate/truth/{chrom}.bcf.csi",
        log:
            "logs/merge_truth/{chrom}.log",
        benchmark:
            "logs/merge_truth/{chrom}.benchmark.tsv"
        conda:
            "../envs/variants.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: 1000 * attempt,
            runtime=30,
        shell:
            "(bcftools merge --no-version -m none -r {wildcards.chrom:q} -Ob"
            " -o {output.bcf} {input.genomes}"
            " && bcftools index -f {output.bcf}) 2> {log}"

    rule merge_truth_tables:
        input:
            segments=simulation_plan.embryo_tables("segments"),
            dropout=simulation_plan.embryo_tables("dropout"),
        output:
            crossovers="results/simulate/truth/crossovers.tsv",
            dropout="results/simulate/truth/dropout.tsv",
        log:
            "logs/merge_truth_tables.log",
        localrule: True
        conda:
            "../envs/simulate.yaml"
        shell:
            "(awk 'FNR > 1 || NR == 1' {input.segments} > {output.crossovers}"
            " && awk 'FNR > 1 || NR == 1' {input.dropout} > {output.dropout}) 2> {log}"

    rule call_single_sample:
        input:
            genome="results/reference/genome.fa",
            genome_index="results/reference/genome.fa.fai",
            cram="results/align/{embryo}.cram",
            crai="results/align/{embryo}.cram.crai",
            sites="results/reference/panel/{chrom}.snvs.tsv.gz",
            sites_index="results/reference/panel/{chrom}.snvs.tsv.gz.tbi",
        output:
            bcf="results/simulate/single_sample/{embryo}.{chrom}.bcf",
        log:
            "logs/call_single_sample/{embryo}.{chrom}.log",
        benchmark:
            "logs/call_single_sample/{embryo}.{chrom}.benchmark.tsv"
        conda:
            "../envs/variants.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: 1000 * attempt,
            runtime=60,
        shell:
            "(bcftools mpileup -f {input.genome} -r {wildcards.chrom:q} -T {input.sites}"
            " -Ou {input.cram}"
            " | bcftools call -m -A -C alleles -T {input.sites} -Ob -o {output.bcf})"
            " 2> {log}"

    rule evaluate_accuracy:
        input:
            script=scripts / "evaluate_accuracy.py",
            library=library(
                "dosages",
                "haplotypes",
                "score_match",
                "score_weights",
                "simulation/accuracy",
                "simulation/comparison",
                "simulation/score_accuracy",
            ),
            truth=expand("results/simulate/truth/{chrom}.bcf", chrom=chromosomes),
            panel=expand("results/reference/panel/{chrom}.bcf", chrom=chromosomes),
            imputed="results/impute/{family}.bcf",
            weights="results/score/weights.npz",
            panel_scores="results/score/panel.npz",
            scores="results/score/{family}.tsv",
            single_sample=lambda wildcards: expand(
                "results/simulate/single_sample/{embryo}.{chrom}.bcf",
                embryo=project.embryos(wildcards.family),
                chrom=chromosomes,
            ),
        output:
            table="results/simulate/accuracy/{family}.tsv",
        log:
            "logs/evaluate_accuracy/{family}.log",
        benchmark:
            "logs/evaluate_accuracy/{family}.benchmark.tsv"
        conda:
            "../envs/python.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: 2000 * attempt,
            runtime=30,
        params:
            mother=lambda wildcards: project.mother(wildcards.family),
            father=lambda wildcards: project.father(wildcards.family),
            embryos=lambda wildcards: project.embryos(wildcards.family),
            chromosomes=chromosomes,
        shell:
            "python {input.script} --family {wildcards.family}"
            " --mother {params.mother} --father {params.father}"
            " --embryos {params.embryos} --chromosomes {params.chromosomes:q}"
            " --truth {input.truth} --panel {input.panel} --imputed {input.imputed}"
            " --single-sample {input.single_sample} --weights {input.weights}"
            " --panel-scores {input.panel_scores} --scores {input.scores}"
            " --output {output.table} 2> {log}"

    rule merge_accuracy:
        input:
            expand("results/simulate/accuracy/{family}.tsv", family=project.families),
        output:
            table="results/simulate/accuracy.tsv",
        log:
            "logs/merge_accuracy.log",
        localrule: True
        conda:
            "../envs/simulate.yaml"
        shell:
            "awk 'FNR > 1 || NR == 1' {input} > {output.table} 2> {log}"


if simulation_plan and simulation_plan.makes_population:

    rule simulate_population:
        input:
            script=scripts / "simulate_population.py",
            library=library(
                "genetic_map",
                "haplotypes",
                "simulation/bcf",
                "simulation/population",
                "simulation/scores",
                "simulation/sequence",
                "simulation/streams",
            ),
        output:
            genome="results/simulate/genome.fa",
            genome_index="results/simulate/genome.fa.fai",
            panel=expand("results/simulate/panel/{chrom}.bcf", chrom=chromosomes),
            panel_indexes=expand(
                "results/simulate/panel/{chrom}.bcf.csi", chrom=chromosomes
            ),
            founders=expand("results/simulate/founders.{chrom}.bcf", chrom=chromosomes),
            founders_indexes=expand(
                "results/simulate/founders.{chrom}.bcf.csi", chrom=chromosomes
            ),
            samples="results/simulate/panel.samples.tsv",
            maps=expand(
                "results/simulate/maps/{chrom}.{sex}.map",
                chrom=chromosomes,
                sex=["female", "male"],
            ),
            scores=expand(
                "results/simulate/scores/{score}.txt.gz",
                score=["height", "t2d", "breast_cancer"],
            ),
        log:
            "logs/simulate_population.log",
        benchmark:
            "logs/simulate_population.benchmark.tsv"
        conda:
            "../envs/simulate.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: 4000 * attempt,
            runtime=60,
        params:
            directory=subpath(output.genome, parent=True),
            chromosomes=chromosomes,
            population=config["simulate"]["population"],
            build=config["reference"]["build"],
            seed=config["seed"],
        shell:
            "python {input.script} --directory {params.directory}"
            " --chromosomes {params.chromosomes:q}"
            " --length-bp {params.population[length_bp]}"
            " --cm-per-mb {params.population[cm_per_mb]}"
            " --panel-samples {params.population[panel_samples]}"
            " --founders {params.population[founders]}"
            " --indel-share {params.population[indel_share]}"
            " --score-variants {params.population[score_variants]}"
            " --build {params.build} --seed {params.seed} 2> {log}"
