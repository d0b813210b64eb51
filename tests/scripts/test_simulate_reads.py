"""simulate_reads: what the aligner and the tables say of the reads asked for."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pysam
import pytest

import simulate_reads
from morula.haplotypes import Genotypes, read_genotypes
from morula.tables import read_tsv
from simulated_family import PARENTS, digest, make_member, make_population
from simulated_reads import (
    align,
    contaminant_flags,
    headers,
    index_world,
    make_reads,
    needs_aligner,
    reads_flags,
    tube_flags,
)

ALL = ["chr21", "chr22", "chrX", "chrY"]
AUTOSOMES = ALL[:2]
ORDINARY = "--amplification none --duplicate-rate 0.1"
AMPLIFIED = (
    "--amplification MDA --set dropout_rate 0.3 --set locus_dropout_rate 0.02"
    " --set amplicon_bp 1000 --set chimera_rate 0.15 --set chimera_bp 1000"
)
OUTPUTS = (
    "_1.fq.gz",
    "_2.fq.gz",
    ".dropout.tsv",
    ".amplification.tsv",
    ".origins.tsv",
)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("world")
    make_population(directory, chromosomes=ALL)
    return directory


@pytest.fixture(scope="module")
def family(world, tmp_path_factory) -> Path:
    """Parents and two embryos: genomes, and reads of M1 and E1."""
    out = tmp_path_factory.mktemp("family")
    make_member(world, out, "M1", "--founder FEUR001 --sex female", ALL)
    make_member(world, out, "P1", "--founder FEUR002 --sex male", ALL)
    make_member(world, out, "E1", f"{PARENTS} --sex female", ALL)
    make_member(world, out, "E2", f"{PARENTS} --sex male", ALL)
    make_reads(tube_flags(world, out, "M1"), out, "M1", ORDINARY)
    make_reads(tube_flags(world, out, "E1"), out, "E1", AMPLIFIED)
    return out


def test_reads_repeat_and_do_not_depend_on_others(world, family, tmp_path):
    make_reads(tube_flags(world, family, "E1"), tmp_path, "E1", AMPLIFIED)
    for name in OUTPUTS:
        assert digest(tmp_path / f"E1{name}") == digest(family / f"E1{name}")


@pytest.fixture(scope="module")
def indexed(world) -> Path:
    """The world, with what the aligner needs."""
    index_world(world)
    return world


@pytest.fixture(scope="module")
def aligned(indexed, family) -> dict[str, Path]:
    """Reads of M1 and E1 as the align stage leaves them."""
    return {name: align(indexed, family, name) for name in ("M1", "E1")}


def opened(world: Path, path: Path) -> pysam.AlignmentFile:
    return pysam.AlignmentFile(str(path), reference_filename=str(world / "genome.fa"))


@needs_aligner
def test_reads_align_back(world, aligned):
    with opened(world, aligned["M1"]) as reads:
        primary = [r for r in reads if not r.is_secondary and not r.is_supplementary]
    template = np.array([r.template_length for r in primary if r.is_proper_pair])
    assert len(template) / len(primary) > 0.99
    inserts = template[template > 0]
    assert inserts.mean() == pytest.approx(300, abs=3)
    assert inserts.std() == pytest.approx(40, abs=3)
    assert sum(r.query_length for r in primary) / 400_000 == pytest.approx(10, rel=0.03)


@needs_aligner
def test_duplicates_are_marked_at_the_asked_rate(world, family, aligned):
    kinds = {h["name"]: h["class"] for h in headers(family / "M1_1.fq.gz")}
    asked = np.mean([kind == "duplicate" for kind in kinds.values()])
    assert asked == pytest.approx(0.1, abs=0.01)
    with opened(world, aligned["M1"]) as reads:
        marked = {r.query_name for r in reads if r.is_duplicate}
    assert len(marked) / len(kinds) == pytest.approx(asked, abs=0.004)


@needs_aligner
def test_chimeras_are_clipped_or_apart(world, family, aligned):
    kinds = {h["name"]: h["class"] for h in headers(family / "E1_1.fq.gz")}
    odd: set[str] = set()
    with opened(world, aligned["E1"]) as reads:
        for read in reads:
            is_clipped = (read.cigarstring or "").count("S") > 0
            if is_clipped or not read.is_proper_pair:
                odd.add(read.query_name)
    seen = Counter((kind, name in odd) for name, kind in kinds.items())
    share = {
        k: seen[k, True] / (seen[k, True] + seen[k, False]) for k in kinds.values()
    }
    assert share["plain"] < 0.05
    assert share["chimera"] > 0.8
    assert sum(seen["chimera", x] for x in (True, False)) / len(kinds) > 0.1


@needs_aligner
def test_adapters_of_short_fragments_are_trimmed(indexed, family, tmp_path):
    tube = tube_flags(indexed, family, "M1", depth=2)
    flags = "--amplification none --insert-mean 90 --insert-sd 15"
    make_reads(tube, tmp_path, "M1", flags)
    align(indexed, tmp_path, "M1")
    kinds = Counter(h["class"] for h in headers(tmp_path / "M1_1.fq.gz"))
    report = json.loads((tmp_path / "M1.json").read_text())["u"]
    trimmed = report["adapter_cutting"]["adapter_trimmed_reads"]
    expected = 2 * (kinds["adapter"] + kinds["duplicate"] * 0.75)
    assert kinds["adapter"] / kinds.total() > 0.6
    assert trimmed == pytest.approx(expected, rel=0.08)


def snvs(truth: Path) -> Genotypes:
    """The SNVs of chr21."""
    found = read_genotypes(truth, "chr21")
    alleles = zip(found.ref, found.alt, strict=True)
    is_snv = np.array([len(ref) == len(alt) == 1 for ref, alt in alleles])
    names = ("pos_bp", "ref", "alt", "alleles", "phased")
    return replace(found, **{name: getattr(found, name)[is_snv] for name in names})


def observed_alleles(world: Path, path: Path, truth: Genotypes) -> np.ndarray:
    """Reads with REF and with ALT, int (L, 2)."""
    counts = []
    with opened(world, path) as reads:
        for pos, *alleles in zip(
            truth.pos_bp.tolist(), truth.ref, truth.alt, strict=True
        ):
            found = reads.count_coverage("chr21", pos - 1, pos)
            counts.append([found["ACGT".index(allele)][0] for allele in alleles])
    return np.array(counts)


def maternal_counts(world: Path, path: Path, truth: Path) -> tuple[np.ndarray, ...]:
    """Positions of the heterozygous SNVs, maternal reads, and all."""
    sites = snvs(truth)
    counts = observed_alleles(world, path, sites)
    maternal, paternal = sites.alleles[:, 0].T
    het = np.flatnonzero(maternal != paternal)
    return sites.pos_bp[het], counts[het, maternal[het]], counts[het].sum(axis=1)


@needs_aligner
def test_ordinary_dna_shows_both_alleles(world, aligned, family):
    _, first, total = maternal_counts(world, aligned["M1"], family / "M1.bcf")
    assert len(total) > 30
    assert first.sum() / total.sum() == pytest.approx(0.5, abs=0.06)
    assert ((first > 0) & (first < total))[total >= 8].mean() > 0.97
    assert read_tsv(family / "M1.dropout.tsv") == []


@needs_aligner
def test_amplified_dna_shows_the_share_that_the_table_gives(world, aligned, family):
    rows = read_tsv(family / "E1.dropout.tsv")
    shares = np.array([float(r["maternal_share"] or "nan") for r in rows])
    lengths = np.array([int(r["end"]) - int(r["start"]) + 1 for r in rows])
    one_lost = np.isin(shares, (0.0, 1.0))
    obtained = lengths[one_lost].sum() / lengths[np.isfinite(shares)].sum()
    assert obtained == pytest.approx(0.3, abs=0.08)
    pos_bp, first, total = maternal_counts(world, aligned["E1"], family / "E1.bcf")
    starts = np.array([int(r["start"]) for r in rows if r["chrom"] == "chr21"])
    share = shares[np.searchsorted(starts, pos_bp, side="right") - 1]
    used = np.isfinite(share) & (total >= 4)
    seen = first[used] / total[used]
    # Fragments reach into the neighbouring amplicon, and ten reads are few.
    assert np.corrcoef(seen, share[used])[0, 1] > 0.8
    assert seen.mean() == pytest.approx(share[used].mean(), abs=0.05)


@needs_aligner
def test_errors_are_as_asked(world, aligned):
    changes: Counter[str] = Counter()
    bases = 0
    with (
        opened(world, aligned["M1"]) as reads,
        pysam.FastaFile(str(world / "genome.fa")) as genome,
    ):
        for read in reads:
            if read.cigarstring != "100M" or read.reference_name != "chr21":
                continue
            true = genome.fetch("chr21", read.reference_start, read.reference_end)
            bases += len(true)
            pairs = zip(true, read.query_sequence, strict=True)
            changes.update(a + b for a, b in pairs if a != b)
    # Sequencing errors, and the mother's own variants.
    assert changes.total() / bases == pytest.approx(0.0047, abs=0.001)


@needs_aligner
def test_a_swapped_tube_has_the_other_ones_alleles(indexed, family, tmp_path):
    tube = tube_flags(indexed, family, "E1", source="E2", depth=6)
    make_reads(tube, tmp_path, "E1", "--amplification none")
    first, second = snvs(family / "E1.bcf"), snvs(family / "E2.bcf")
    seen = observed_alleles(indexed, align(indexed, tmp_path, "E1"), second)
    doses = [one.alleles[:, 0].sum(axis=1) for one in (first, second)]
    apart = (doses[0] != doses[1]) & (doses[1] != 1)
    expected = seen[apart, doses[1][apart] // 2].sum()
    assert seen[apart].sum() > 100
    assert expected / seen[apart].sum() > 0.98
    assert {h["name"][:3] for h in headers(tmp_path / "E1_1.fq.gz")} == {"E1:"}


def test_contamination_is_the_asked_share_of_the_pairs(world, family, tmp_path):
    tube = tube_flags(world, family, "E1")
    extra = AMPLIFIED + contaminant_flags(family, "M1", 0.2)
    make_reads(tube, tmp_path, "E1", extra)
    origins = Counter(h["origin"] for h in headers(tmp_path / "E1_2.fq.gz"))
    assert origins["contaminant"] / origins.total() == pytest.approx(0.2, abs=0.02)
    rows = read_tsv(tmp_path / "E1.origins.tsv")
    for name, pairs in origins.items():
        counted = sum(int(r["pairs"]) for r in rows if r["origin"] == name)
        assert counted == pairs
    (row,) = read_tsv(tmp_path / "E1.amplification.tsv")
    assert float(row["asked_contamination"]) == 0.2
    assert float(row["contamination"]) == pytest.approx(0.2, abs=0.02)
    # The sample's own molecules are those without the contaminant.
    assert digest(tmp_path / "E1.dropout.tsv") == digest(family / "E1.dropout.tsv")


def test_a_woman_has_no_y_and_a_man_one_x(world, family, tmp_path):
    counts = {}
    for name in ("E1", "E2"):
        tube = tube_flags(world, family, name, chromosomes=ALL[1:], depth=4)
        make_reads(tube, tmp_path, name, "--amplification none")
        places = (h["at"].split(":")[0] for h in headers(tmp_path / f"{name}_1.fq.gz"))
        counts[name] = Counter(places)
    woman, man = counts["E1"], counts["E2"]
    assert woman["chrY"] == 0
    assert woman["chrX"] == pytest.approx(woman["chr22"], rel=0.05)
    # Autosomes are as deep as asked in both; PAR1 is a part of X here.
    expected = 4 * 200_000 / (2 * 100)
    assert woman["chr22"] == pytest.approx(expected, rel=0.05)
    assert man["chr22"] == pytest.approx(expected, rel=0.05)
    for chrom in ("chrX", "chrY"):
        assert man[chrom] == pytest.approx(expected / 2, rel=0.1)


def test_reads_of_another_reference_are_refused(family, tmp_path, capsys):
    other = tmp_path / "world"
    make_population(other, seed=2)
    tube = tube_flags(other, family, "M1")
    assert simulate_reads.main(reads_flags(tube, tmp_path, "M1", ORDINARY)) == 2
    assert "is not what the FASTA has" in capsys.readouterr().err
    assert not (tmp_path / "M1_1.fq.gz").exists()


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("--amplification none --chromosomes chrY", "no template is left"),
        ("--amplification MDA --set dropuot_rate 0.1", "dropuot_rate"),
        ("--amplification none --source P9", "no sample 'P9'"),
        ("--amplification WGA", "no amplification 'WGA'"),
    ],
)
def test_user_errors(world, family, tmp_path, capsys, extra, message):
    tube = tube_flags(world, family, "M1")
    assert simulate_reads.main(reads_flags(tube, tmp_path, "M1", extra)) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "extra",
    [
        "--amplification none --contamination 0.1",
        "--amplification none --contaminant P1",
        "--amplification none --error-rate 0.3",
        "--amplification none --duplicate-rate 1",
    ],
)
def test_flags_that_cannot_be_are_refused(world, family, tmp_path, extra):
    tube = tube_flags(world, family, "M1")
    with pytest.raises(SystemExit):
        simulate_reads.main(reads_flags(tube, tmp_path, "M1", extra))
