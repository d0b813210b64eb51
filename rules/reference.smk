# The reference: FASTA, aligner's index, panel and genetic maps, brought to one form
# under results/reference. Nothing is written beside the user's files.


rule prepare_genome:
    input:
        script=scripts / "prepare_genome.py",
        library=library("fastq", "reference"),
        fasta=config["reference"]["fasta"],
    output:
        genome="results/reference/genome.fa",
        fai="results/reference/genome.fa.fai",
        dictionary="results/reference/genome.dict",
    log:
        "logs/prepare_genome/genome.log",
    benchmark:
        "logs/prepare_genome/genome.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        chromosomes=chromosomes,
    shell:
        "python {input.script} --fasta {input.fasta:q}"
        " --chromosomes {params.chromosomes:q} --genome {output.genome}"
        " --fai {output.fai} --dictionary {output.dictionary} 2> {log}"


rule index_bwa:
    input:
        script=scripts / "index_genome.py",
        library=library("alignment", "processes", "reference"),
        fasta=config["reference"]["fasta"],
        genome="results/reference/genome.fa",
        dictionary="results/reference/genome.dict",
    output:
        amb="results/reference/genome.fa.amb",
        ann="results/reference/genome.fa.ann",
        bwt="results/reference/genome.fa.bwt",
        pac="results/reference/genome.fa.pac",
        sa="results/reference/genome.fa.sa",
    log:
        "logs/index_bwa/genome.log",
    benchmark:
        "logs/index_bwa/genome.benchmark.tsv"
    conda:
        "../envs/align.yaml"
    threads: 1
    resources:
        mem_mb=bwa_index_memory_mb,
        runtime=240,
    shell:
        "python {input.script} --fasta {input.fasta:q} --genome {input.genome}"
        " --dictionary {input.dictionary} 2> {log}"


rule index_bwa_mem2:
    input:
        genome="results/reference/genome.fa",
    output:
        multiext(
            "results/reference/bwa-mem2/genome",
            ".0123",
            ".amb",
            ".ann",
            ".bwt.2bit.64",
            ".pac",
        ),
    log:
        "logs/index_bwa_mem2/genome.log",
    benchmark:
        "logs/index_bwa_mem2/genome.benchmark.tsv"
    conda:
        "../envs/align.yaml"
    threads: 1
    resources:
        # 28 bytes a base (its README).
        mem_mb=lambda wildcards, input, attempt: attempt * int(500 + 30 * input.size_mb),
        runtime=240,
    params:
        prefix=subpath(output[0], strip_suffix=".0123"),
    shell:
        "bwa-mem2 index -p {params.prefix} {input.genome} &> {log}"


rule index_minimap2:
    input:
        genome="results/reference/genome.fa",
    output:
        index="results/reference/minimap2/genome.mmi",
    log:
        "logs/index_minimap2/genome.log",
    benchmark:
        "logs/index_minimap2/genome.benchmark.tsv"
    conda:
        "../envs/align.yaml"
    threads: 3
    resources:
        mem_mb=lambda wildcards, input, attempt: int(500 + 6 * input.size_mb) * attempt,
        runtime=60,
    shell:
        "minimap2 -x sr -I 64G -t {threads} -d {output.index} {input.genome} 2> {log}"


rule pack_panel:
    input:
        script=scripts / "pack_panel.py",
        library=library(
            "error_classes",
            "panel_bits",
            "parental_alleles",
            "stored_arrays",
        ),
        panel="results/reference/panel/{chrom}.bcf",
        panel_index="results/reference/panel/{chrom}.bcf.csi",
    output:
        bits="results/reference/panel/{chrom}.bits.npz",
    log:
        "logs/pack_panel/{chrom}.log",
    benchmark:
        "logs/pack_panel/{chrom}.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=120,
    shell:
        "python {input.script} --panel {input.panel} --chrom {wildcards.chrom:q}"
        " --output {output.bits} 2> {log}"


rule prepare_panel:
    input:
        script=scripts / "prepare_panel.py",
        library=library("panel", "processes", "reference", "sex_chromosome"),
        panel=config["reference"]["panel"],
        genome="results/reference/genome.fa",
        fai="results/reference/genome.fa.fai",
        dictionary="results/reference/genome.dict",
    output:
        bcf="results/reference/panel/{chrom}.bcf",
        csi="results/reference/panel/{chrom}.bcf.csi",
        sites="results/reference/panel/{chrom}.snvs.tsv.gz",
        tbi="results/reference/panel/{chrom}.snvs.tsv.gz.tbi",
    log:
        "logs/prepare_panel/{chrom}.log",
    benchmark:
        "logs/prepare_panel/{chrom}.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 2
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        build=config["reference"]["build"],
    shell:
        "python {input.script} --panel {input.panel:q} --chrom {wildcards.chrom:q}"
        " --build {params.build}"
        " --genome {input.genome} --dictionary {input.dictionary}"
        " --threads {threads} --output {output.bcf} --sites {output.sites} 2> {log}"


rule prepare_maps:
    input:
        script=scripts / "prepare_maps.py",
        library=library(
            "call_files", "genetic_map", "processes", "sex_chromosome", "x_map"
        ),
        genome_index="results/reference/genome.fa.fai",
        maps=genetic_map_files(config["reference"]["genetic_map"]),
    output:
        female="results/reference/maps/{chrom}.female.map",
        male="results/reference/maps/{chrom}.male.map",
        average="results/reference/maps/{chrom}.average.map",
    log:
        "logs/prepare_maps/{chrom}.log",
    benchmark:
        "logs/prepare_maps/{chrom}.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        build=config["reference"]["build"],
    shell:
        "python {input.script} --maps {input.maps:q} --chrom {wildcards.chrom:q}"
        " --build {params.build} --genome-index {input.genome_index}"
        " --female {output.female} --male {output.male} --average {output.average}"
        " 2> {log}"
