"""Indels in real reads of NA12878 (52x, without PCR), against the NIST truth.

The data are not in the repository: they are looked for in MORULA_SHARED_DATA, or in
../shared/data beside the checkout.
"""

import cyvcf2
import numpy as np
import pytest

from morula import indel_reads, indel_windows
from morula.indel_windows import Indel
from real_data import DATA, needs

READS = DATA / "reads_chr20"
CHROM = "chr20"

pytestmark = needs("reads_chr20")


@pytest.fixture(scope="module")
def counted() -> list[tuple[tuple[int, ...], int, int]]:
    """Of each indel of the truth: the alleles of its genotype (1: this ALT, 2: another
    one), and the reads of REF and ALT."""
    genotypes = {}
    for record in cyvcf2.VCF(str(READS / "test_nist.b37_chr20_100kbp_at_10mb.vcf.gz")):
        for number, alt in enumerate(record.ALT, start=1):
            if indel_windows.is_counted(record.REF, alt):
                alleles = [
                    1 if one == number else min(one, 1) * 2
                    for one in record.genotypes[0][:2]
                ]
                indel = Indel(record.POS - 1, record.REF, alt)
                genotypes[indel] = tuple(sorted(alleles))
    found = indel_reads.count(
        READS / "NA12878_S1.chr20.10_10p1mb.bam",
        str(READS / "ucsc.hg19.chr20.unittest.fasta.gz"),
        CHROM,
        list(genotypes),
        indel_reads.Floors(20, 20, 1000),
    )
    totals = {indel: np.add(one.forward, one.reverse) for indel, one in found.items()}
    return [
        (alleles, *(int(n) for n in totals[indel]))
        for indel, alleles in genotypes.items()
    ]


def sums(counted, wanted: tuple[int, ...]) -> tuple[int, int, int]:
    """Reads of REF and ALT, and indels, of one genotype."""
    rows = [(ref, alt) for alleles, ref, alt in counted if alleles == wanted]
    ref, alt = np.sum(rows, axis=0).tolist()
    return ref, alt, len(rows)


def test_nearly_all_are_told(counted):
    told = [ref + alt >= 4 for _, ref, alt in counted]
    assert np.mean(told) > 0.9


def test_reads_of_homozygotes_hardly_show_the_other_allele(counted):
    ref, alt, n = sums(counted, (1, 1))
    print(f"\nhomozygous ALT: {n} indels, {ref} reads of REF, {alt} of ALT")
    assert n > 15
    assert ref / (ref + alt) < 0.01


def test_heterozygotes_show_both_alike(counted):
    ref, alt, n = sums(counted, (0, 1))
    print(f"\nheterozygous: {n} indels, {ref} reads of REF, {alt} of ALT")
    assert n > 10
    assert alt / (ref + alt) == pytest.approx(0.5, abs=0.06)
    # Where each haplotype has a deletion of its own, no read shows REF: few are told.
    for alleles, one, other in counted:
        if alleles == (0, 1) and one + other >= 10:
            assert min(one, other) / (one + other) > 0.2


def test_another_alt_does_not_count_as_ref(counted):
    rows = [(ref, alt) for alleles, ref, alt in counted if alleles == (1, 2)]
    assert sum(ref for ref, _ in rows) <= 1
