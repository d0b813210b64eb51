# How near a simulated family's genomes come to the truth, beside a caller that sees one
# embryo's reads alone. Without a `simulate` section in the config this file makes nothing.


if simulation_plan:

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
                "bcf_kernels",
                "bcf_stream",
                "dosages",
                "haplotypes",
                "match_kernels",
                "panel_sites",
                "score_match",
                "score_weights",
                "scoring_rows",
                "sex_chromosome",
                "simulation/accuracy",
                "simulation/comparison",
                "simulation/copies",
                "simulation/score_accuracy",
                "stored_arrays",
            ),
            truth=expand("results/simulate/truth/{chrom}.bcf", chrom=autosomes),
            panel=expand("results/reference/panel/{chrom}.bcf", chrom=autosomes),
            imputed="results/impute/{family}.bcf",
            weights="results/score/weights.npz",
            panel_scores="results/score/panel.npz",
            scores="results/score/{family}.tsv",
            copies="results/simulate/truth/copies.tsv",
            single_sample=single_sample_calls,
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
            chromosomes=autosomes,
        shell:
            "python {input.script} --family {wildcards.family}"
            " --mother {params.mother} --father {params.father}"
            " --embryos {params.embryos} --chromosomes {params.chromosomes:q}"
            " --truth {input.truth} --copies {input.copies} --panel {input.panel}"
            " --imputed {input.imputed}"
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
