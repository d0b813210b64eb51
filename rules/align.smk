# From reads to one CRAM a sample, and the page of quality figures.
#
# FASTQ: fastp | aligner | samtools fixmate | sort | markdup, one pipe over all units of
# a sample (scripts/align_reads.py). BAM/CRAM: the same from fixmate on.

FASTQ_SAMPLES = [s for s in project.read_samples() if project.kind(s) == "fastq"]
BAM_SAMPLES = [s for s in project.read_samples() if project.kind(s) == "bam"]

# Files that the aligner needs, by its name in the config.
BWA_INDEX = multiext(
    "results/reference/genome.fa", ".amb", ".ann", ".bwt", ".pac", ".sa"
)
BWA_MEM2_INDEX = multiext(
    "results/reference/bwa-mem2/genome", ".0123", ".amb", ".ann", ".bwt.2bit.64", ".pac"
)
MINIMAP2_INDEX = ["results/reference/minimap2/genome.mmi"]
INDEX_FILES = {
    "bwa": BWA_INDEX,
    "bwa-mem2": BWA_MEM2_INDEX,
    "minimap2": MINIMAP2_INDEX,
}[config["align"]["aligner"]]


rule align_reads:
    input:
        script=scripts / "align_reads.py",
        library=library("alignment", "fastq", "processes", "reference"),
        reads=fastq_files,
        index=INDEX_FILES,
        genome="results/reference/genome.fa",
        fai="results/reference/genome.fa.fai",
        dictionary="results/reference/genome.dict",
    output:
        cram="results/align/{sample}.cram",
        crai="results/align/{sample}.cram.crai",
        markdup="results/qc/markdup/{sample}.txt",
        # Small, and kept: as temp() a change of the unpacking would align again.
        reports="results/qc/fastp/{sample}.json",
    log:
        "logs/align_reads/{sample}.log",
    benchmark:
        "logs/align_reads/{sample}.benchmark.tsv"
    wildcard_constraints:
        sample=one_of(FASTQ_SAMPLES),
    conda:
        "../envs/align.yaml"
    threads: 8
    resources:
        mem_mb=align_memory_mb,
        runtime=1440,
    params:
        units=fastq_unit_flags,
        index=index_name,
        aligner=config["align"]["aligner"],
        min_read_length=config["align"]["min_read_length"],
        sort_memory_mb=config["align"]["sort_memory_mb"],
    shell:
        "python {input.script} --sample {wildcards.sample} {params.units:q}"
        " --aligner {params.aligner} --index {params.index} --genome {input.genome}"
        " --dictionary {input.dictionary}"
        " --min-read-length {params.min_read_length}"
        " --sort-memory-mb {params.sort_memory_mb} --threads {threads}"
        " --cram {output.cram} --markdup-stats {output.markdup}"
        " --reports {output.reports} 2> {log}"


rule import_alignments:
    input:
        script=scripts / "import_alignments.py",
        library=library("alignment", "alignment_input", "processes", "reference"),
        bams=bam_files,
        genome="results/reference/genome.fa",
        fai="results/reference/genome.fa.fai",
        dictionary="results/reference/genome.dict",
    output:
        cram="results/align/{sample}.cram",
        crai="results/align/{sample}.cram.crai",
        markdup="results/qc/markdup/{sample}.txt",
    log:
        "logs/import_alignments/{sample}.log",
    benchmark:
        "logs/import_alignments/{sample}.benchmark.tsv"
    wildcard_constraints:
        sample=one_of(BAM_SAMPLES),
    conda:
        "../envs/align.yaml"
    threads: 4
    resources:
        mem_mb=lambda wildcards, attempt: attempt
        * (3000 + config["align"]["sort_memory_mb"]),
        runtime=720,
    params:
        units=bam_unit_flags,
        chromosomes=chromosomes,
        sort_memory_mb=config["align"]["sort_memory_mb"],
    shell:
        "python {input.script} --sample {wildcards.sample} {params.units:q}"
        " --chromosomes {params.chromosomes:q} --genome {input.genome}"
        " --dictionary {input.dictionary} --sort-memory-mb {params.sort_memory_mb}"
        " --threads {threads} --cram {output.cram} --markdup-stats {output.markdup}"
        " 2> {log}"


rule unpack_fastp_report:
    input:
        script=scripts / "unpack_fastp_report.py",
        library=library(),
        reports="results/qc/fastp/{sample}.json",
    output:
        report="results/qc/fastp/{sample}.{unit}.json",
    log:
        "logs/unpack_fastp_report/{sample}.{unit}.log",
    benchmark:
        "logs/unpack_fastp_report/{sample}.{unit}.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    shell:
        "python {input.script} --reports {input.reports} --unit {wildcards.unit}"
        " --output {output.report} 2> {log}"


rule measure_coverage:
    input:
        cram="results/align/{sample}.cram",
        crai="results/align/{sample}.cram.crai",
        genome="results/reference/genome.fa",
        fai="results/reference/genome.fa.fai",
    output:
        summary="results/qc/mosdepth/{sample}.mosdepth.summary.txt",
        dist="results/qc/mosdepth/{sample}.mosdepth.global.dist.txt",
    log:
        "logs/measure_coverage/{sample}.log",
    benchmark:
        "logs/measure_coverage/{sample}.benchmark.tsv"
    conda:
        "../envs/coverage.yaml"
    threads: 2
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        prefix=subpath(output.summary, strip_suffix=".mosdepth.summary.txt"),
    shell:
        "mosdepth --fast-mode --no-per-base --threads {threads}"
        " --fasta {input.genome} {params.prefix} {input.cram} 2> {log}"


rule count_alignments:
    input:
        cram="results/align/{sample}.cram",
        crai="results/align/{sample}.cram.crai",
        genome="results/reference/genome.fa",
        fai="results/reference/genome.fa.fai",
    output:
        stats="results/qc/stats/{sample}.txt",
    log:
        "logs/count_alignments/{sample}.log",
    benchmark:
        "logs/count_alignments/{sample}.benchmark.tsv"
    conda:
        "../envs/align.yaml"
    threads: 2
    resources:
        mem_mb=2000,
        runtime=240,
    shell:
        # The line with the command is left out: it tells the number of threads.
        "(samtools stats --threads {threads} --reference {input.genome} {input.cram}"
        " | grep -v '^# The command line was' > {output.stats}.partial"
        " && mv {output.stats}.partial {output.stats}) 2> {log}"


rule make_multiqc:
    input:
        config=scripts.parent / "resources/multiqc.yaml",
        fastp=[
            f"results/qc/fastp/{sample}.{unit.unit}.json"
            for sample in FASTQ_SAMPLES
            for unit in project.units[sample]
        ],
        markdup=expand("results/qc/markdup/{sample}.txt", sample=project.read_samples()),
        coverage=expand(
            "results/qc/mosdepth/{sample}.mosdepth.{kind}.txt",
            sample=project.read_samples(),
            kind=["summary", "global.dist"],
        ),
        stats=expand("results/qc/stats/{sample}.txt", sample=project.read_samples()),
    output:
        html="results/qc/multiqc.html",
    log:
        "logs/make_multiqc/all.log",
    benchmark:
        "logs/make_multiqc/all.benchmark.tsv"
    conda:
        "../envs/multiqc.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        folder=subpath(output.html, parent=True),
    shell:
        "multiqc --force --config {input.config:q} --no-version-check"
        " --no-megaqc-upload --no-ai --no-ansi --no-data-dir --outdir {params.folder}"
        " --filename multiqc.partial.html {input.fastp} {input.markdup}"
        " {input.coverage} {input.stats} 2> {log}"
        " && mv {params.folder}/multiqc.partial.html {output.html}"
