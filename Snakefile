from snakemake.utils import min_version

min_version("9.20")


# Only without --configfile: Snakemake merges the two, and keys of the example (its
# `simulate`) would leak into the user's config.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


include: "rules/common.smk"
include: "rules/reference.smk"
include: "rules/simulate.smk"
include: "rules/align.smk"
include: "rules/call.smk"
include: "rules/phase.smk"
include: "rules/correct.smk"
include: "rules/impute.smk"
include: "rules/ancestry.smk"
include: "rules/score.smk"
include: "rules/report.smk"
include: "rules/evaluate.smk"


rule all:
    default_target: True
    input:
        reports=expand("results/report/{family}.html", family=project.families),
        multiqc=(
            "results/qc/multiqc.html" if has_reads and project.read_samples() else []
        ),
        genomes=expand("results/impute/{family}.bcf", family=project.families),
        overrides=expand(
            "results/impute/{family}.overrides.tsv", family=project.families
        ),
        scores=expand("results/score/{family}.tsv", family=project.families),
        rankings=expand("results/score/{family}.ranking.tsv", family=project.families),
        accuracy=simulation_targets(),
    localrule: True


onsuccess:
    # None when only a part was asked for.
    for report in sorted(Path("results/report").glob("*.html")):
        if report.stem in project.families:
            print(f"Report of family {report.stem}: {report.resolve()}")


onerror:
    print(
        "A step failed: its log is named above, under logs/. What is finished stays;"
        " the same command goes on from there.",
        file=sys.stderr,
    )
