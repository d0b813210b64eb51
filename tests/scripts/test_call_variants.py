"""Calls of two samples with known haplotypes."""

from pathlib import Path

import cyvcf2
import pysam
import pytest

import call_variants
import calling_world as world

GAP = range(2900, 3050)


def snv(genome: str, pos_bp: int, step: int = 1) -> world.Variant:
    base = genome[pos_bp - 1]
    return world.Variant(pos_bp, base, world.other_base(base, step))


def key(variant: world.Variant) -> tuple[int, str, str]:
    return variant.pos_bp, variant.ref, variant.alt


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    """Folder, and haplotypes of both samples; the mother has no reads in GAP."""
    folder = tmp_path_factory.mktemp("calls")
    genome = world.make_genome(folder)
    het = [snv(genome, p) for p in range(300, 2800, 250)]
    hom = [snv(genome, p) for p in (410, 1420, 2960)]
    # Where the deletion cannot be written further to the left.
    start = next(p for p in range(1600, 1700) if genome[p - 1] != genome[p + 1])
    deletion = world.Variant(start, genome[start - 1 : start + 2], genome[start - 1])
    # A SNV of the father inside the mother's deletion.
    inside = snv(genome, start + 2)
    last = world.other_base(genome[2109])
    insertion = world.Variant(2110, genome[2109], genome[2109] + "GAT" + last)
    # A base that the panel lacks: hom in the mother, het in the father.
    fourth = snv(genome, 700, step=2)
    mother = ([*het, *hom, deletion, fourth], [*hom, insertion, fourth])
    father = ([*hom, inside, fourth], [inside])
    for name, haplotypes, gap in (("M1", mother, GAP), ("P1", father, range(0))):
        ordered = tuple(sorted(h, key=lambda v: v.pos_bp) for h in haplotypes)
        reads = world.simulate_reads(genome, ordered, name, 900, 11, gap)
        world.write_bam(folder / f"{name}.bam", name, reads)
    panel = [key(v) for v in het[::2] + hom]
    panel += [key(snv(genome, p)) for p in (700, 1000, start + 1, 3990)]
    panel += [key(snv(genome, 1000, step=3)), key(snv(genome, 550, step=2))]
    panel.append(key(snv(genome, 550, step=1)))
    world.write_sites(folder / "panel.tsv.gz", sorted(panel))
    return folder, {"M1": mother, "P1": father}, set(panel)


def call(folder: Path, *names: str, sites: str = "panel.tsv.gz") -> int:
    argv = ["--genome", f"{folder}/genome.fa", "--chrom", world.CHROM]
    argv += ["--alignments", *(f"{folder}/{name}.bam" for name in names)]
    argv += ["--panel-sites", f"{folder}/{sites}", "--min-mapping-quality", "20"]
    argv += ["--min-quality", "20", "--max-depth", "250"]
    return call_variants.main([*argv, "--output", f"{folder}/calls.bcf"])


@pytest.fixture(scope="module")
def records(truth):
    folder, _, _ = truth
    assert call(folder, "M1", "P1") == 0
    reader = cyvcf2.VCF(str(folder / "calls.bcf"))
    assert reader.samples == ["M1", "P1"]
    found = {}
    for record in reader:
        place = (record.POS, record.REF, record.ALT[0])
        assert len(record.ALT) == 1
        assert place not in found
        genotypes = [sorted(g[:2]) for g in record.genotypes]
        is_panel = record.INFO.get("PANEL") is not None
        found[place] = (genotypes, is_panel, record.format("PL"), record.format("AD"))
    return found


def test_all_panel_sites_are_there(truth, records):
    assert {place for place, (_, is_panel, *_) in records.items() if is_panel} == (
        truth[2]
    )


def test_genotypes_are_the_true_ones(truth, records):
    _, people, _ = truth
    for place, (genotypes, *_) in records.items():
        for genotype, (first, second) in zip(genotypes, people.values(), strict=True):
            if -1 in genotype:
                continue
            copies = sum(place in map(key, h) for h in (first, second))
            assert genotype.count(1) == copies, place
    variants = {key(v) for pair in people.values() for h in pair for v in h}
    assert variants <= set(records)
    # Nothing else varies.
    assert set(records) <= variants | truth[2]


def test_no_reads_is_missing(records):
    missing = [place[0] for place, (g, *_) in records.items() if g[0] == [-1, -1]]
    assert missing == [2960, 3990]
    father = {place[0]: g[1] for place, (g, *_) in records.items()}
    assert father[2960] == [0, 1]
    assert father[3990] == [-1, -1]


def test_a_base_that_the_panel_lacks(truth, records):
    """Hom for a fourth base: no copy of the panel's ALT, and no doubt about it."""
    genome = pysam.FastaFile(f"{truth[0]}/genome.fa").fetch(world.CHROM)
    panel, fourth = (key(snv(genome, 700, step)) for step in (1, 2))
    genotypes, is_panel, pl, ad = records[panel]
    assert genotypes == [[0, 0], [0, 0]]
    assert is_panel
    assert (pl[:, 0] == 0).all()
    assert pl[0, 1] > 30
    assert ad[0].tolist()[0] <= 1
    assert records[fourth][0] == [[1, 1], [0, 1]]
    assert not records[fourth][1]


def test_same_bytes_again(truth):
    folder = truth[0]
    first = (folder / "calls.bcf").read_bytes()
    assert call(folder, "M1", "P1") == 0
    assert (folder / "calls.bcf").read_bytes() == first
    assert str(folder).encode() not in first


def test_panel_of_another_reference_is_refused(truth, capfd):
    folder = truth[0]
    genome = pysam.FastaFile(f"{folder}/genome.fa").fetch(world.CHROM)
    wrong = world.other_base(genome[599])
    world.write_sites(folder / "wrong.tsv.gz", [(600, wrong, genome[599])])
    assert call(folder, "M1", sites="wrong.tsv.gz") == 2
    assert "600" in capfd.readouterr().err


def test_a_damaged_alignment_is_refused(truth, capfd):
    folder = truth[0]
    whole = (folder / "P1.bam").read_bytes()
    (folder / "cut.bam").write_bytes(whole[: len(whole) // 2])
    (folder / "cut.bam.bai").write_bytes((folder / "P1.bam.bai").read_bytes())
    before = (folder / "calls.bcf").read_bytes()
    assert call(folder, "cut") == 2
    assert "could not read all alignments" in capfd.readouterr().err
    assert (folder / "calls.bcf").read_bytes() == before
    assert not list(folder.glob(".work-*"))
