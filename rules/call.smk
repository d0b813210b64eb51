# Genotypes of parents and born children, and allele counts of embryos.
#
# Reads: scripts/call_variants.py, a family and chromosome at a time. Whoever comes as
# VCF: scripts/import_vcf.py. The parents' are joined; the sites at which they vary, and
# those of the panel, are where the embryos are counted (scripts/count_alleles.py; of
# arrays scripts/count_array.py).

WITH_PARENTS = [family for family in project.families if project.parents(family)]
WITHOUT_PARENTS = [name for name in project.families if name not in WITH_PARENTS]
VCF_SAMPLES = [name for name in project.samples if project.kind(name) == "vcf"]
ARRAYS = [name for name in project.samples if project.is_array(name)]


rule call_variants:
    input:
        script=scripts / "call_variants.py",
        library=library(
            "biallelic",
            "call_files",
            "male_calls",
            "pileup",
            "processes",
            "provenance",
            "sex_chromosome",
        ),
        genome="results/reference/genome.fa",
        fai="results/reference/genome.fa.fai",
        panel_sites="results/reference/panel/{chrom}.snvs.tsv.gz",
        alignments=lambda wildcards: expand(
            "results/align/{sample}.cram", sample=project.called(wildcards.family)
        ),
        indexes=lambda wildcards: expand(
            "results/align/{sample}.cram.crai",
            sample=project.called(wildcards.family),
        ),
    output:
        bcf=temp("results/call/reads/{family}.{chrom}.bcf"),
        index=temp("results/call/reads/{family}.{chrom}.bcf.csi"),
    log:
        "logs/call_variants/{family}.{chrom}.log",
    benchmark:
        "logs/call_variants/{family}.{chrom}.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    # The pileup, and the two callers that share it.
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * 2 ** (attempt - 1),
        runtime=lambda wildcards, attempt: 720 * attempt,
    params:
        call=config["call"],
        build=config["reference"]["build"],
        males=lambda wildcards: males(project.called(wildcards.family)),
    shell:
        "python {input.script} --genome {input.genome} --chrom {wildcards.chrom:q}"
        " --build {params.build} --males {params.males}"
        " --alignments {input.alignments} --panel-sites {input.panel_sites}"
        " --min-mapping-quality {params.call[min_mapping_quality]}"
        " --min-quality {params.call[min_quality]}"
        " --max-depth {params.call[max_depth]} --output {output.bcf} 2> {log}"


rule import_vcf:
    input:
        script=scripts / "import_vcf.py",
        library=library(
            "amplification",
            "array_markers",
            "array_signal",
            "biallelic",
            "call_files",
            "contamination_level",
            "error_classes",
            "inheritance",
            "inheritance_kernels",
            "male_calls",
            "processes",
            "sex_chromosome",
            "vcf_import",
        ),
        vcf=lambda wildcards: project.units[wildcards.sample][0].vcf,
        genome="results/reference/genome.fa",
        fai="results/reference/genome.fa.fai",
        panel_sites=expand(
            "results/reference/panel/{chrom}.snvs.tsv.gz", chrom=chromosomes
        ),
    output:
        bcf="results/call/imported/{sample}.bcf",
        index="results/call/imported/{sample}.bcf.csi",
    log:
        "logs/import_vcf/{sample}.log",
    benchmark:
        "logs/import_vcf/{sample}.benchmark.tsv"
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * 2 ** (attempt - 1),
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        chromosomes=chromosomes,
        max_wrong_ref=config["call"]["max_wrong_ref"],
        build=config["reference"]["build"],
        male=lambda wildcards: "--male" if males([wildcards.sample]) else "",
        array=lambda wildcards: array_flag(wildcards.sample),
    shell:
        "python {input.script} --vcf {input.vcf:q} --sample {wildcards.sample}"
        " {params.male} {params.array} --build {params.build}"
        " --genome {input.genome} --chromosomes {params.chromosomes:q}"
        " --panel-sites {input.panel_sites} --max-wrong-ref {params.max_wrong_ref}"
        " --output {output.bcf} 2> {log}"


rule join_genotypes:
    input:
        parts=genotype_parts,
        indexes=lambda wildcards: [f"{part}.csi" for part in genotype_parts(wildcards)],
        panel="results/reference/panel/{chrom}.bcf",
    output:
        bcf="results/call/{family}.{chrom}.bcf",
        index="results/call/{family}.{chrom}.bcf.csi",
        sites="results/call/{family}.{chrom}.sites.tsv.gz",
        sites_index="results/call/{family}.{chrom}.sites.tsv.gz.tbi",
    log:
        "logs/join_genotypes/{family}.{chrom}.log",
    benchmark:
        "logs/join_genotypes/{family}.{chrom}.benchmark.tsv"
    wildcard_constraints:
        family=one_of(WITH_PARENTS),
    conda:
        "../envs/variants.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * 2 ** (attempt - 1),
        runtime=lambda wildcards, attempt: 120 * attempt,
    params:
        join=lambda wildcards: (
            "merge -m none" if len(genotype_parts(wildcards)) > 1 else "view"
        ),
        samples=lambda wildcards: ",".join(genotyped(wildcards.family)),
        parents=lambda wildcards: ",".join(project.parents(wildcards.family)),
    # METHOD: embryos are counted at the panel's SNVs and indels, and wherever a parent
    # shows an ALT. A born child's own variants are no such sites: what neither parent
    # has is no evidence of inheritance. Of the panel's indels only those that vary in
    # it: nobody is imputed to carry another.
    shell:
        "(bcftools {params.join} --no-version -r {wildcards.chrom:q} -Ou {input.parts}"
        " | bcftools view --no-version -s {params.samples} -Ob -o {output.bcf}"
        " && bcftools index -f {output.bcf}"
        " && (bcftools view --no-version -s {params.parents} -v snps,indels -Ou"
        " {output.bcf}"
        ' | bcftools query -i \'PANEL=1 || GT="alt"\' -f "%CHROM\\t%POS\\t%REF,%ALT\\n"'
        " && bcftools query -i 'TYPE=\"indel\" && AC>0'"
        ' -f "%CHROM\\t%POS\\t%REF,%ALT\\n" {input.panel})'
        " | LC_ALL=C sort -k2,2n -k3,3 -u | bgzip > {output.sites}"
        " && tabix -f -s 1 -b 2 -e 2 {output.sites}) 2> {log}"


rule list_panel_sites:
    input:
        panel="results/reference/panel/{chrom}.bcf",
    output:
        sites="results/call/{family}.{chrom}.sites.tsv.gz",
        sites_index="results/call/{family}.{chrom}.sites.tsv.gz.tbi",
    log:
        "logs/list_panel_sites/{family}.{chrom}.log",
    benchmark:
        "logs/list_panel_sites/{family}.{chrom}.benchmark.tsv"
    wildcard_constraints:
        family=one_of(WITHOUT_PARENTS),
    conda:
        "../envs/variants.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * 2 ** (attempt - 1),
        runtime=lambda wildcards, attempt: 60 * attempt,
    # METHOD: without a parent, embryos are counted at the same sites of the panel. Their
    # own reads add none: an amplified embryo's private ALT is an error as easily.
    shell:
        '(bcftools query -i \'TYPE="snp" || (TYPE="indel" && AC>0)\''
        ' -f "%CHROM\\t%POS\\t%REF,%ALT\\n" {input.panel}'
        " | LC_ALL=C sort -k2,2n -k3,3 -u | bgzip > {output.sites}"
        " && tabix -f -s 1 -b 2 -e 2 {output.sites}) 2> {log}"


rule count_alleles:
    input:
        script=scripts / "count_alleles.py",
        library=library(
            "call_files", "indel_reads", "indel_windows", "pileup", "processes"
        ),
        genome="results/reference/genome.fa",
        fai="results/reference/genome.fa.fai",
        alignment="results/align/{sample}.cram",
        index="results/align/{sample}.cram.crai",
        sites=lambda wildcards: (
            f"results/call/{project.samples[wildcards.sample].family}"
            f".{wildcards.chrom}.sites.tsv.gz"
        ),
    output:
        bcf="results/call/counts/{sample}.{chrom}.bcf",
        index="results/call/counts/{sample}.{chrom}.bcf.csi",
    log:
        "logs/count_alleles/{sample}.{chrom}.log",
    benchmark:
        "logs/count_alleles/{sample}.{chrom}.benchmark.tsv"
    wildcard_constraints:
        sample=one_of(project.read_samples()),
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * 2 ** (attempt - 1),
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        call=config["call"],
    shell:
        "python {input.script} --genome {input.genome} --chrom {wildcards.chrom:q}"
        " --sample {wildcards.sample} --alignment {input.alignment}"
        " --sites {input.sites}"
        " --min-mapping-quality {params.call[min_mapping_quality]}"
        " --min-base-quality {params.call[min_base_quality]}"
        " --max-depth {params.call[max_count_depth]} --output {output.bcf} 2> {log}"


rule count_array:
    input:
        script=scripts / "count_array.py",
        library=library(
            "amplification",
            "array_markers",
            "array_signal",
            "biallelic",
            "call_files",
            "contamination_level",
            "error_classes",
            "inheritance",
            "inheritance_kernels",
            "processes",
        ),
        fai="results/reference/genome.fa.fai",
        array="results/call/imported/{sample}.bcf",
        index="results/call/imported/{sample}.bcf.csi",
        sites=lambda wildcards: (
            f"results/call/{project.samples[wildcards.sample].family}"
            f".{wildcards.chrom}.sites.tsv.gz"
        ),
    output:
        bcf="results/call/counts/{sample}.{chrom}.bcf",
        index="results/call/counts/{sample}.{chrom}.bcf.csi",
    log:
        "logs/count_array/{sample}.{chrom}.log",
    benchmark:
        "logs/count_array/{sample}.{chrom}.benchmark.tsv"
    wildcard_constraints:
        sample=one_of(ARRAYS),
    conda:
        "../envs/python.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * 2 ** (attempt - 1),
        runtime=lambda wildcards, attempt: 60 * attempt,
    shell:
        "python {input.script} --genome results/reference/genome.fa"
        " --chrom {wildcards.chrom:q} --sample {wildcards.sample}"
        " --array {input.array} --sites {input.sites} --output {output.bcf} 2> {log}"
