# Families with a known truth: a simulated world (or founders that the user has), true
# genomes, and reads or allele counts (docs/simulation.md). Without a `simulate` section
# in the config this file makes nothing.
from morula.simulation.plan import Plan

simulation_plan = (
    or_refuse(
        lambda: Plan(
            config["simulate"],
            project,
            chromosomes,
            lambda path: settings.place(workflow.configfiles, ("simulate", *path)),
        )
    )
    if "simulate" in config
    else None
)
simulation_targets = simulation_plan.targets if simulation_plan else list
# Reads are there, given or made: not so when a simulation makes counts.
has_reads = simulation_plan is None or simulation_plan.makes_reads

if simulation_plan:

    rule simulate:
        input:
            expand(
                "results/simulate/truth/{chrom}.bcf", chrom=simulation_plan.chromosomes
            ),
            simulation_plan.truth_tables(),
            simulation_plan.made_data(),
        localrule: True

    rule simulate_family:
        input:
            script=scripts / "simulate_family.py",
            library=library(
                "genetic_map",
                "haplotypes",
                "sex_chromosome",
                "simulation/bcf",
                "simulation/centromeres",
                "simulation/copies",
                "simulation/de_novo",
                "simulation/founders",
                "simulation/karyotype",
                "simulation/meiosis",
                "simulation/members",
                "simulation/plan_checks",
                "simulation/sequence",
                "simulation/sex_chromosomes",
                "simulation/streams",
                "simulation/transmission",
            ),
            founders=simulation_plan.founders(),
            female=expand(
                "results/reference/maps/{chrom}.female.map",
                chrom=simulation_plan.chromosomes,
            ),
            male=expand(
                "results/reference/maps/{chrom}.male.map",
                chrom=simulation_plan.chromosomes,
            ),
            genome="results/reference/genome.fa",
            genome_index="results/reference/genome.fa.fai",
            centromeres=scripts.parent / "resources/centromeres.tsv",
        output:
            genome="results/simulate/truth/samples/{sample}.bcf",
            index="results/simulate/truth/samples/{sample}.bcf.csi",
            copies="results/simulate/truth/samples/{sample}.copies.tsv",
            de_novo="results/simulate/truth/samples/{sample}.de_novo.tsv",
        log:
            "logs/simulate_family/{sample}.log",
        benchmark:
            "logs/simulate_family/{sample}.benchmark.tsv"
        wildcard_constraints:
            sample=one_of([*project.samples, *simulation_plan.strangers()]),
        conda:
            "../envs/simulate.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: 2000 * attempt,
            runtime=30,
        params:
            kinship=lambda wildcards: simulation_plan.kinship_flags(wildcards.sample),
            meiosis=simulation_plan.meiosis_flags(),
            chromosomes=simulation_plan.chromosomes,
            build=config["reference"]["build"],
            seed=config["seed"],
        shell:
            "python {input.script} --sample {wildcards.sample} {params.kinship:q}"
            " --founders {input.founders:q} --chromosomes {params.chromosomes:q}"
            " --female-maps {input.female} --male-maps {input.male}"
            " --genome {input.genome} --genome-index {input.genome_index}"
            " --centromeres {input.centromeres} --build {params.build}"
            " {params.meiosis} --seed {params.seed} --output {output.genome}"
            " --copies {output.copies} --de-novo {output.de_novo} 2> {log}"

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
        # What one sample alone has is a new mutation: the others carry REF there.
        shell:
            "(bcftools merge --no-version -m none -0 -r {wildcards.chrom:q} -Ob"
            " -o {output.bcf} {input.genomes}"
            " && bcftools index -f {output.bcf}) 2> {log}"

    rule merge_truth_tables:
        input:
            tables=lambda wildcards: simulation_plan.tables_of(wildcards.kind),
        output:
            table="results/simulate/truth/{kind}.tsv",
        log:
            "logs/merge_truth_tables/{kind}.log",
        wildcard_constraints:
            kind="copies|de_novo|dropout|amplification|origins",
        localrule: True
        conda:
            "../envs/simulate.yaml"
        shell:
            "awk 'FNR > 1 || NR == 1' {input.tables} > {output.table} 2> {log}"


if simulation_plan and has_reads:

    rule simulate_reads:
        input:
            script=scripts / "simulate_reads.py",
            library=library(
                "haplotypes",
                "processes",
                "sex_chromosome",
                "simulation/amplification",
                "simulation/bcf",
                "simulation/clonal_errors",
                "simulation/copies",
                "simulation/flags",
                "simulation/fragments",
                "simulation/letters",
                "simulation/molecules",
                "simulation/protocols",
                "simulation/quality",
                "simulation/read_kernel",
                "simulation/reads",
                "simulation/sequence",
                "simulation/streams",
                "simulation/stretch",
                "simulation/summary",
                "simulation/template",
                "simulation/tube",
            ),
            protocols=scripts.parent / "resources/simulation.tsv",
            genome="results/reference/genome.fa",
            genome_index="results/reference/genome.fa.fai",
            truth=lambda wildcards: simulation_plan.genomes_in_tube(wildcards.sample),
            copies=lambda wildcards: simulation_plan.copies_in_tube(wildcards.sample),
        output:
            fq1="results/simulate/reads/{sample}_1.fq.gz",
            fq2="results/simulate/reads/{sample}_2.fq.gz",
            template="results/simulate/truth/samples/{sample}.dropout.tsv",
            summary="results/simulate/truth/samples/{sample}.amplification.tsv",
            origins="results/simulate/truth/samples/{sample}.origins.tsv",
        log:
            "logs/simulate_reads/{sample}.log",
        benchmark:
            "logs/simulate_reads/{sample}.benchmark.tsv"
        conda:
            "../envs/simulate.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: 4000 * attempt,
            runtime=60,
        params:
            chromosomes=simulation_plan.chromosomes,
            tube=lambda wildcards: simulation_plan.tube_flags(wildcards.sample),
            reads=simulation_plan.read_flags(),
            seed=config["seed"],
        shell:
            "python {input.script} --sample {wildcards.sample} {params.tube:q}"
            " --genome {input.genome} --protocols {input.protocols}"
            " --chromosomes {params.chromosomes:q} {params.reads} --seed {params.seed}"
            " --fq1 {output.fq1} --fq2 {output.fq2} --template {output.template}"
            " --summary {output.summary} --origins {output.origins} 2> {log}"


if not has_reads:

    # In the place of the call stage's own rules: what these would make of reads.
    ruleorder: simulate_calls > call_variants
    ruleorder: simulate_counts > count_alleles

    rule simulate_calls:
        input:
            script=scripts / "simulate_calls.py",
            library=library(
                "biallelic",
                "call_files",
                "error_classes",
                "family_sites",
                "genetic_map",
                "haplotypes",
                "indel_windows",
                "male_calls",
                "parental_alleles",
                "processes",
                "sex_chromosome",
                "simulation/amplification",
                "simulation/bcf",
                "simulation/calls",
                "simulation/clonal_errors",
                "simulation/copies",
                "simulation/count_kernel",
                "simulation/counts",
                "simulation/flags",
                "simulation/fragments",
                "simulation/loci",
                "simulation/molecules",
                "simulation/protocols",
                "simulation/quality",
                "simulation/sequence",
                "simulation/streams",
                "simulation/template",
                "simulation/tube",
                "stored_arrays",
            ),
            genome_index="results/reference/genome.fa.fai",
            panel_sites="results/reference/panel/{chrom}.snvs.tsv.gz",
            truths=lambda wildcards: [
                simulation_plan.genome(simulation_plan.source(name))
                for name in project.called(wildcards.family)
            ],
            copies=lambda wildcards: [
                simulation_plan.copies(simulation_plan.source(name))
                for name in project.called(wildcards.family)
            ],
        output:
            bcf=temp("results/call/reads/{family}.{chrom}.bcf"),
            index=temp("results/call/reads/{family}.{chrom}.bcf.csi"),
        log:
            "logs/simulate_calls/{family}.{chrom}.log",
        benchmark:
            "logs/simulate_calls/{family}.{chrom}.benchmark.tsv"
        conda:
            "../envs/simulate.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: 4000 * attempt,
            runtime=60,
        params:
            samples=lambda wildcards: project.called(wildcards.family),
            sources=lambda wildcards: [
                simulation_plan.source(name)
                for name in project.called(wildcards.family)
            ],
            depths=lambda wildcards: [
                simulation_plan.depth(name)
                for name in project.called(wildcards.family)
            ],
            males=lambda wildcards: males(project.called(wildcards.family)),
            build=config["reference"]["build"],
            reads=simulation_plan.read_flags(),
            min_base_quality=config["call"]["min_base_quality"],
            seed=config["seed"],
        shell:
            "python {input.script} --samples {params.samples}"
            " --males {params.males} --build {params.build}"
            " --sources {params.sources} --truths {input.truths}"
            " --copies {input.copies} --depths {params.depths}"
            " --chrom {wildcards.chrom:q} --panel-sites {input.panel_sites}"
            " --genome-index {input.genome_index} {params.reads}"
            " --min-base-quality {params.min_base_quality} --seed {params.seed}"
            " --output {output.bcf} 2> {log}"

    rule simulate_counts:
        input:
            script=scripts / "simulate_counts.py",
            library=library(
                "call_files",
                "error_classes",
                "family_sites",
                "genetic_map",
                "haplotypes",
                "indel_windows",
                "parental_alleles",
                "processes",
                "simulation/amplification",
                "simulation/bcf",
                "simulation/clonal_errors",
                "simulation/copies",
                "simulation/count_kernel",
                "simulation/counts",
                "simulation/flags",
                "simulation/fragments",
                "simulation/loci",
                "simulation/molecules",
                "simulation/protocols",
                "simulation/quality",
                "simulation/sequence",
                "simulation/streams",
                "simulation/summary",
                "simulation/template",
                "simulation/tube",
                "stored_arrays",
            ),
            protocols=scripts.parent / "resources/simulation.tsv",
            genome="results/reference/genome.fa",
            genome_index="results/reference/genome.fa.fai",
            sites=lambda wildcards: expand(
                "results/call/{family}.{chrom}.sites.tsv.gz",
                family=project.samples[wildcards.sample].family,
                chrom=chromosomes,
            ),
            truth=lambda wildcards: simulation_plan.genomes_in_tube(wildcards.sample),
            copies=lambda wildcards: simulation_plan.copies_in_tube(wildcards.sample),
        output:
            counts=expand(
                "results/call/counts/{{sample}}.{chrom}.bcf", chrom=chromosomes
            ),
            indexes=expand(
                "results/call/counts/{{sample}}.{chrom}.bcf.csi", chrom=chromosomes
            ),
            template="results/simulate/truth/samples/{sample}.dropout.tsv",
            summary="results/simulate/truth/samples/{sample}.amplification.tsv",
        log:
            "logs/simulate_counts/{sample}.log",
        benchmark:
            "logs/simulate_counts/{sample}.benchmark.tsv"
        conda:
            "../envs/simulate.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: 4000 * attempt,
            runtime=60,
        params:
            chromosomes=chromosomes,
            tube=lambda wildcards: simulation_plan.tube_flags(wildcards.sample),
            reads=simulation_plan.read_flags(),
            min_base_quality=config["call"]["min_base_quality"],
            seed=config["seed"],
        shell:
            "python {input.script} --sample {wildcards.sample} {params.tube:q}"
            " --genome {input.genome} --protocols {input.protocols}"
            " --chromosomes {params.chromosomes:q} --sites {input.sites}"
            " {params.reads} --min-base-quality {params.min_base_quality}"
            " --seed {params.seed} --outputs {output.counts}"
            " --template {output.template} --summary {output.summary} 2> {log}"


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
            panel=expand(
                "results/simulate/panel/{chrom}.bcf", chrom=simulation_plan.chromosomes
            ),
            panel_indexes=expand(
                "results/simulate/panel/{chrom}.bcf.csi",
                chrom=simulation_plan.chromosomes,
            ),
            founders=simulation_plan.founders(),
            founders_indexes=[f"{path}.csi" for path in simulation_plan.founders()],
            samples="results/simulate/panel.samples.tsv",
            maps=expand(
                "results/simulate/maps/{chrom}.{sex}.map",
                chrom=simulation_plan.chromosomes,
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
            chromosomes=simulation_plan.chromosomes,
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
