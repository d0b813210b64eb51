"""Allele counts against a slow count, read by read."""

import random
from collections import Counter
from pathlib import Path

import cyvcf2
import pysam
import pytest

import calling_world as world
import count_alleles

MIN_MAPQ, MIN_BASEQ = 20, 20


def edited_reads(reads: list[pysam.AlignedSegment]) -> list[pysam.AlignedSegment]:
    """Some reads made duplicates, secondary, supplementary, improper, badly mapped, or
    given bad bases."""
    rng = random.Random(3)
    for read in reads:
        draw = rng.random()
        if draw < 0.08:
            read.is_duplicate = True
        elif draw < 0.14:
            read.is_secondary = True
        elif draw < 0.2:
            read.is_qcfail = True
        elif draw < 0.26:
            read.mapping_quality = 19
        elif draw < 0.3:
            read.is_supplementary = True
        elif draw < 0.4:
            read.is_proper_pair = False
        qualities = [rng.choice((10, 19, 20, 37)) for _ in read.query_qualities]
        read.query_qualities = pysam.qualitystring_to_array(
            "".join(chr(33 + quality) for quality in qualities)
        )
    return reads


def slow_counts(bam: Path) -> dict[int, Counter]:
    """1-based position -> reads by base and strand, mates counted by themselves."""
    counts: dict[int, Counter] = {}
    with pysam.AlignmentFile(str(bam)) as handle:
        for read in handle:
            if read.is_duplicate or read.is_secondary or read.is_qcfail:
                continue
            if read.mapping_quality < MIN_MAPQ:
                continue
            for place, start0 in read.get_aligned_pairs(matches_only=True):
                if read.query_qualities[place] >= MIN_BASEQ:
                    base = read.query_sequence[place]
                    key = (base, read.is_reverse)
                    counts.setdefault(start0 + 1, Counter())[key] += 1
    return counts


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("counts")
    genome = world.make_genome(folder)
    variants = [
        world.Variant(p, genome[p - 1], world.other_base(genome[p - 1]))
        for p in range(150, 3400, 90)
    ]
    variants.append(world.Variant(1000, genome[999:1003], genome[999]))
    variants.append(world.Variant(2001, genome[2000], genome[2000] + "TCA"))
    sites = []
    for pos_bp in sorted({v.pos_bp for v in variants} | {3990, 1001, 1002, 2002}):
        base = genome[pos_bp - 1]
        steps = (1, 3) if pos_bp % 4 == 0 else (1,)
        sites += [(pos_bp, base, world.other_base(base, step)) for step in steps]
    world.write_sites(folder / "sites.tsv.gz", sites)
    reads = world.simulate_reads(genome, (variants, []), "E1", 1200, seed=5)
    for number, read in enumerate(edited_reads(reads)):
        # Names of their own: mates do not overlap each other.
        read.query_name = f"r{number}"
    world.write_bam(folder / "single.bam", "E1", reads)
    pairs = world.simulate_reads(genome, (variants, []), "E1", 600, seed=6)
    world.write_bam(folder / "pairs.bam", "E1", pairs)
    return folder


def count(folder: Path, alignment: str, sites: str = "sites.tsv.gz") -> int:
    argv = ["--genome", f"{folder}/genome.fa", "--chrom", world.CHROM]
    argv += ["--sample", "E1", "--alignment", f"{folder}/{alignment}"]
    argv += ["--sites", f"{folder}/{sites}", "--max-depth", "1000"]
    argv += ["--min-mapping-quality", str(MIN_MAPQ)]
    argv += ["--min-base-quality", str(MIN_BASEQ), "--output", f"{folder}/c.bcf"]
    return count_alleles.main(argv)


def test_counts_are_those_of_a_slow_count(folder):
    assert count(folder, "single.bam") == 0
    expected = slow_counts(folder / "single.bam")
    table = pysam.TabixFile(str(folder / "sites.tsv.gz"))
    sites = [row.split("\t")[1:] for row in table.fetch()]
    reader = cyvcf2.VCF(str(folder / "c.bcf"))
    assert reader.samples == ["E1"]
    records = list(reader)
    keys = [[str(r.POS), f"{r.REF},{r.ALT[0]}"] for r in records]
    assert keys == sites
    total = 0
    for record in records:
        seen = expected.get(record.POS, Counter())
        for column, base in enumerate((record.REF, record.ALT[0])):
            forward, reverse = seen[base, False], seen[base, True]
            assert record.format("ADF")[0, column] == forward
            assert record.format("ADR")[0, column] == reverse
            assert record.format("AD")[0, column] == forward + reverse
            total += forward + reverse
    assert total > 1000
    assert records[-1].format("AD").tolist() == [[0, 0]]


def test_overlapping_mates_count_once(folder):
    assert count(folder, "pairs.bam") == 0
    fragments: dict[int, set[str]] = {}
    with pysam.AlignmentFile(str(folder / "pairs.bam")) as handle:
        for read in handle:
            for _, start0 in read.get_aligned_pairs(matches_only=True):
                fragments.setdefault(start0 + 1, set()).add(read.query_name)
    depths: dict[int, int] = {}
    for record in cyvcf2.VCF(str(folder / "c.bcf")):
        ref, alt = record.format("AD")[0].tolist()
        depths[record.POS] = depths.get(record.POS, ref) + alt
    for pos_bp, depth in depths.items():
        # Disagreeing mates and wrong bases are the rest.
        n_fragments = len(fragments.get(pos_bp, ()))
        assert n_fragments - 3 <= depth <= n_fragments


def test_indels_are_counted_among_the_snvs(folder):
    """At a deletion and an insertion of one haplotype: as many reads of both alleles,
    an SNV at the same position by itself, and a long one at zeros."""
    genome = pysam.FastaFile(str(folder / "genome.fa")).fetch(world.CHROM)
    deletion = (1000, genome[999:1003], genome[999])
    insertion = (2001, genome[2000], genome[2000] + "TCA")
    snv = (1000, genome[999], world.other_base(genome[999]))
    long = (2500, genome[2499], genome[2499] + "ACGT" * 20)
    sites = [deletion, snv, insertion, long]
    world.write_sites(folder / "indels.tsv.gz", sites)
    assert count(folder, "pairs.bam", "indels.tsv.gz") == 0
    records = list(cyvcf2.VCF(str(folder / "c.bcf")))
    assert [(r.POS, r.REF, r.ALT[0]) for r in records] == sites
    found = [record.format("AD")[0].tolist() for record in records]
    for ref, alt in (found[0], found[2]):
        assert min(ref, alt) >= 12
        assert ref / (ref + alt) == pytest.approx(0.5, abs=0.2)
    assert found[1][0] > 30
    assert found[1][1] <= 1
    assert found[3] == [0, 0]
    for record in records:
        strands = record.format("ADF")[0] + record.format("ADR")[0]
        assert strands.tolist() == record.format("AD")[0].tolist()
        assert (record.format("QS")[0] >= 20 * strands).all()


def test_a_ref_that_contradicts_its_neighbour_is_refused(folder, capfd):
    genome = pysam.FastaFile(str(folder / "genome.fa")).fetch(world.CHROM)
    other = world.other_base(genome[999])
    sites = [(1000, genome[999], other), (1000, other + "A", other)]
    world.write_sites(folder / "odd.tsv.gz", sites)
    assert count(folder, "pairs.bam", "odd.tsv.gz") == 2
    assert "where the line before has" in capfd.readouterr().err


def test_same_bytes_again(folder):
    assert count(folder, "pairs.bam") == 0
    first = (folder / "c.bcf").read_bytes()
    assert count(folder, "pairs.bam") == 0
    assert (folder / "c.bcf").read_bytes() == first
    assert str(folder).encode() not in first
    assert not list(folder.glob(".work-*"))


def test_sites_of_another_reference_are_refused(folder, capfd):
    genome = pysam.FastaFile(str(folder / "genome.fa")).fetch(world.CHROM)
    wrong = world.other_base(genome[1499])
    world.write_sites(folder / "wrong.tsv.gz", [(1500, wrong, genome[1499])])
    (folder / "c.bcf").unlink(missing_ok=True)
    assert count(folder, "single.bam", "wrong.tsv.gz") == 2
    assert "another reference" in capfd.readouterr().err
    assert not (folder / "c.bcf").exists()


def test_a_damaged_alignment_is_refused(folder, capfd):
    whole = (folder / "single.bam").read_bytes()
    (folder / "cut.bam").write_bytes(whole[: len(whole) // 2])
    index = (folder / "single.bam.bai").read_bytes()
    (folder / "cut.bam.bai").write_bytes(index)
    assert count(folder, "cut.bam") == 2
    assert "could not read all alignments" in capfd.readouterr().err


def test_a_damaged_alignment_is_refused_at_indels_too(folder, capfd):
    whole = (folder / "single.bam").read_bytes()
    (folder / "cut.bam").write_bytes(whole[: len(whole) // 2])
    (folder / "cut.bam.bai").write_bytes((folder / "single.bam.bai").read_bytes())
    genome = pysam.FastaFile(str(folder / "genome.fa")).fetch(world.CHROM)
    site = (3900, genome[3899], genome[3899] + "TCA")
    world.write_sites(folder / "late.tsv.gz", [site])
    assert count(folder, "cut.bam", "late.tsv.gz") == 2
    assert "could not read all alignments" in capfd.readouterr().err
