"""Parents' reads and phase of the benchmark: true, placed right, and at their rates."""

from __future__ import annotations

from dataclasses import replace

import cyvcf2
import numpy as np
import pysam
import pytest

from bench import linked_reads
from bench.given_phase import switched, write_phase
from bench.linked_reads import Library, called_hets, write_linked_reads
from morula.haplotypes import Genotypes

CHROM, LENGTH = "chr7", 60_000
LIBRARY = Library(100, 300, 40, 0.004, 0.0, 20)


@pytest.fixture
def genome(tmp_path):
    """An indexed FASTA of one chromosome."""
    rng = np.random.default_rng(3)
    path = tmp_path / "genome.fa"
    path.write_text(f">{CHROM}\n{''.join(rng.choice(list('ACGT'), LENGTH))}\n")
    pysam.faidx(str(path))
    return path


def truth_of(genome, n_sites=300, seed=4) -> Genotypes:
    """One sample with a het, or a homozygous ALT, every 200 bp on average."""
    rng = np.random.default_rng(seed)
    pos_bp = np.sort(rng.choice(np.arange(500, LENGTH - 500), n_sites, replace=False))
    with pysam.FastaFile(str(genome)) as fasta:
        text = fasta.fetch(CHROM)
    ref = [text[pos - 1] for pos in pos_bp.tolist()]
    alt = ["ACGT"[("ACGT".index(base) + 1) % 4] for base in ref]
    alleles = rng.integers(0, 2, (n_sites, 1, 2)).astype(np.int8)
    return Genotypes(
        CHROM,
        pos_bp,
        np.array(ref, dtype=object),
        np.array(alt, dtype=object),
        alleles,
        np.ones((n_sites, 1), dtype=bool),
        ("M1",),
    )


def het_bp(truth: Genotypes) -> np.ndarray:
    return truth.pos_bp[truth.alleles[:, 0, 0] != truth.alleles[:, 0, 1]]


def pairs_in(path):
    """Records of each pair, by name."""
    found: dict[str, list] = {}
    with pysam.AlignmentFile(str(path)) as reads:
        for record in reads:
            found.setdefault(record.query_name, []).append(record)
    return found


def shown(pair, sites):
    """Base shown at each covered position: {pos_bp: base}."""
    bases = {}
    for record in pair:
        for place, base in enumerate(record.query_sequence):
            if (pos := record.reference_start + place + 1) in sites:
                bases[pos] = base
    return bases


class TestLinkedReads:
    def test_each_pair_shows_one_haplotype_at_two_hets_or_more(self, genome, tmp_path):
        truth = truth_of(genome)
        hets = het_bp(truth)
        path = tmp_path / "M1.bam"
        n = write_linked_reads(path, truth, hets, genome, LIBRARY, 5)
        pairs = pairs_in(path)
        assert len(pairs) == n > 500
        rows = {pos: row for row, pos in enumerate(truth.pos_bp.tolist())}
        sites, wrong, total = set(hets.tolist()), 0, 0
        carried = []
        for pair in pairs.values():
            bases = shown(pair, sites)
            assert len(bases) >= 2
            by_haplotype = [
                sum(
                    base != (truth.alt if allele else truth.ref)[rows[pos]]
                    for pos, base in bases.items()
                    for allele in (truth.alleles[rows[pos], 0, haplotype],)
                )
                for haplotype in (0, 1)
            ]
            wrong, total = wrong + min(by_haplotype), total + len(bases)
            carried.append(int(np.argmin(by_haplotype)))
        assert wrong / total < 0.01
        assert 0.45 < np.mean(carried) < 0.55

    def test_bases_are_wrong_at_the_asked_rate_and_as_their_quality_says(
        self, genome, tmp_path
    ):
        truth = truth_of(genome)
        path = tmp_path / "M1.bam"
        write_linked_reads(path, truth, het_bp(truth), genome, LIBRARY, 5)
        with pysam.FastaFile(str(genome)) as fasta:
            text = fasta.fetch(CHROM)
        variable = set(truth.pos_bp.tolist())
        wrong, expected, mates = [], [], []
        with pysam.AlignmentFile(str(path)) as reads:
            for record in reads:
                start = record.reference_start
                assert record.cigarstring == "100M"
                assert record.is_proper_pair
                assert record.get_tag("RG") == "M1"
                mates.append((record.is_read1, record.is_reverse))
                for place, base in enumerate(record.query_sequence):
                    if start + place + 1 not in variable:
                        wrong.append(base != text[start + place])
                        expected.append(record.query_qualities[place])
        wrong, quality = np.array(wrong), np.array(expected)
        assert abs(wrong.mean() - 0.004) < 0.0005
        for one in np.unique(quality)[:2]:
            assert wrong[quality == one].mean() == pytest.approx(10 ** (-one / 10), 0.2)
        assert len(set(mates)) == 4

    def test_covers_hets_at_the_asked_depth(self):
        """Of two hets 50 bp apart: the pairs that have both in one mate. No pair has
        one in each, for the mates lie further apart."""
        hets = np.array([20_000, 20_050])
        found = linked_reads.linking_pairs(
            np.random.default_rng(1), hets, LENGTH, replace(LIBRARY, depth=4000)
        )
        starts_a_base = 4000 / (2 * 100)
        assert len(found.start0) == pytest.approx(2 * 50 * starts_a_base, rel=0.1)

    def test_the_same_seed_gives_the_same_bytes(self, genome, tmp_path):
        truth = truth_of(genome)
        texts = []
        for name, seed in (("a", 5), ("b", 5), ("c", 6)):
            path = tmp_path / f"{name}.bam"
            write_linked_reads(path, truth, het_bp(truth), genome, LIBRARY, seed)
            texts.append(path.read_bytes())
        assert texts[0] == texts[1] != texts[2]

    def test_a_parent_with_one_het_has_no_linking_reads(self, genome, tmp_path):
        truth = truth_of(genome)
        path = tmp_path / "M1.bam"
        assert not write_linked_reads(path, truth, np.array([700]), genome, LIBRARY, 1)
        assert not pairs_in(path)
        assert (tmp_path / "M1.bam.bai").is_file()


class TestGivenPhase:
    def test_the_file_tells_the_true_haplotypes_and_the_rate(self, genome, tmp_path):
        truth = truth_of(genome)
        path = tmp_path / "phased.bcf"
        write_phase(path, truth, 0.01, genome.with_name("genome.fa.fai"))
        hets_before = 0
        for row, record in enumerate(cyvcf2.VCF(str(path))):
            first, second = truth.alleles[row, 0].tolist()
            assert record.genotypes[0] == [first, second, True]
            is_later_het = first != second and hets_before > 0
            hets_before += first != second
            assert record.format("FP")[0, 0] == 0
            assert record.format("SP")[0, 0] == pytest.approx(0.01 * is_later_het)
        assert called_hets(path, "M1").tolist() == het_bp(truth).tolist()

    def test_switches_come_at_their_rate_between_hets(self, genome):
        truth = truth_of(genome, n_sites=20_000)
        given = switched(truth, 0.05, np.random.default_rng(2))
        het = truth.alleles[:, 0, 0] != truth.alleles[:, 0, 1]
        turned = (given.alleles != truth.alleles).any(axis=2)[:, 0]
        assert not turned[~het].any()
        rate = np.abs(np.diff(turned[het].astype(int))).mean()
        assert rate == pytest.approx(0.05, abs=0.007)
