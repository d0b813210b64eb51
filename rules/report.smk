# The report: one self-contained page a family, from the tables of the stages before.
from morula import report_settings


rule write_report:
    input:
        script=scripts / "write_report.py",
        version=scripts / "morula/__init__.py",
        library=library(
            "error_classes",
            "override_table",
            "parental_alleles",
            "report_ancestry",
            "report_chromosomes",
            "report_family",
            "report_page",
            "report_scores",
            "report_settings",
            "report_summary",
            "report_svg",
            "report_tables",
            "report_versions",
            "sex_chromosome",
        ),
        template=scripts.parent / "resources/report.html.j2",
        style=scripts.parent / "resources/report.css",
        quality="results/correct/{family}.qc.tsv",
        inheritance="results/correct/{family}.inheritance.tsv",
        ancestry="results/ancestry/{family}.tsv",
        ancestry_panel="results/ancestry/panel.tsv",
        scores="results/score/{family}.tsv",
        ranking="results/score/{family}.ranking.tsv",
        match="results/score/{family}.match.tsv",
        overrides="results/impute/{family}.overrides.tsv",
        genome_index="results/reference/genome.fa.fai",
        parents=parents_files,
        alignments=alignments_of,
    output:
        "results/report/{family}.html",
    log:
        "logs/write_report/{family}.log",
    benchmark:
        "logs/write_report/{family}.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=30,
    params:
        settings=lambda wildcards: report_settings.as_json(
            config, project, wildcards.family
        ),
    shell:
        "python {input.script} --family {wildcards.family} --settings {params.settings:q}"
        " --quality {input.quality} --inheritance {input.inheritance}"
        " --ancestry {input.ancestry} --ancestry-panel {input.ancestry_panel}"
        " --scores {input.scores} --ranking {input.ranking} --match {input.match}"
        " --overrides {input.overrides} --genome-index {input.genome_index}"
        " --made-files {input.parents} {input.alignments}"
        " --template {input.template} --style {input.style}"
        " --output {output} 2> {log}"
