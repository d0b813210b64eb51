"""The simulation's scripts, from a world to reads: truth, rates, seeds, errors."""

import gzip
import hashlib
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pysam
import pytest

import simulate_family
import simulate_population
import simulate_reads
from morula.haplotypes import read_genotypes
from morula.tables import read_tsv

CHROMOSOMES = ["chr21", "chr22"]


def make_population(directory: Path, seed: int = 1) -> None:
    """Two chromosomes of 200 kb, 12 panel samples and 2 founders a population."""
    flags = (
        f"--directory {directory} --chromosomes {' '.join(CHROMOSOMES)}"
        " --length-bp 200000 --cm-per-mb 50 --panel-samples 12 --founders 2"
        f" --indel-share 0.1 --score-variants 60 --build GRCh38 --seed {seed}"
    )
    assert simulate_population.main(flags.split()) == 0


def family_flags(world: Path, out: Path, sample: str, kinship: str) -> list[str]:
    """Flags of simulate_family for one sample; files are named after it."""
    by_chromosome = {
        "--founders": "founders.{}.bcf",
        "--female-maps": "maps/{}.female.map",
        "--male-maps": "maps/{}.male.map",
    }
    flags = f"--sample {sample} {kinship} --chromosomes {' '.join(CHROMOSOMES)}"
    for flag, pattern in by_chromosome.items():
        paths = " ".join(str(world / pattern.format(chrom)) for chrom in CHROMOSOMES)
        flags += f" {flag} {paths}"
    flags += f" --genome-index {world / 'genome.fa.fai'} --seed 1"
    flags += f" --output {out / sample}.bcf --segments {out / sample}.segments.tsv"
    return flags.split()


def make_member(world: Path, out: Path, sample: str, kinship: str) -> None:
    assert simulate_family.main(family_flags(world, out, sample, kinship)) == 0


def reads_flags(world: Path, out: Path, sample: str, extra: str = "") -> list[str]:
    """Flags of simulate_reads for one sample at 10x."""
    flags = (
        f"--sample {sample} --genome {world / 'genome.fa'} --truth {out / sample}.bcf"
        f" --chromosomes {' '.join(CHROMOSOMES)} --depth 10 --read-length 100"
        " --insert-mean 300 --insert-sd 40 --error-rate 0.004 --seed 1"
        f" --fq1 {out / sample}_1.fq.gz --fq2 {out / sample}_2.fq.gz"
        f" --dropout {out / sample}.dropout.tsv {extra}"
    )
    return flags.split()


def make_reads(world: Path, out: Path, sample: str, extra: str = "") -> None:
    assert simulate_reads.main(reads_flags(world, out, sample, extra)) == 0


AMPLIFIED = (
    "--amplified --dropout-rate 0.3 --amplicon-bp 1000 --amount-shape 2"
    " --damage-rate 0.002"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("world")
    make_population(directory)
    return directory


@pytest.fixture(scope="module")
def family(world, tmp_path_factory) -> Path:
    """Mother, father and two embryos: genomes, and reads of M1 and E1."""
    out = tmp_path_factory.mktemp("family")
    make_member(world, out, "M1", "--founder FEUR001")
    make_member(world, out, "P1", "--founder FEUR002")
    for embryo in ("E1", "E2"):
        make_member(world, out, embryo, "--mother FEUR001 --father FEUR002")
    make_reads(world, out, "M1")
    make_reads(world, out, "E1", AMPLIFIED)
    return out


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def records(path: Path) -> list[list[str]]:
    with gzip.open(path, "rt") as handle:
        lines = handle.read().splitlines()
    return [lines[i : i + 4] for i in range(0, len(lines), 4)]


def test_world_has_all_files_and_repeats(world, tmp_path):
    make_population(tmp_path)
    names = sorted(p.relative_to(world) for p in world.rglob("*") if p.is_file())
    assert {str(name) for name in names} >= {
        "genome.fa",
        "genome.fa.fai",
        "panel.samples.tsv",
        "panel/chr22.bcf",
        "panel/chr22.bcf.csi",
        "founders.chr21.bcf",
        "maps/chr21.female.map",
        "scores/height.txt.gz",
        "scores/t2d.txt.gz",
        "scores/breast_cancer.txt.gz",
    }
    for name in names:
        assert digest(world / name) == digest(tmp_path / name), name


def test_panel_is_as_bcftools_norm_wants_it(world):
    command = ["bcftools", "norm", "-c", "e", "-f", str(world / "genome.fa")]
    path = str(world / "panel/chr21.bcf")
    done = subprocess.run(
        [*command, path, "-Ou", "-o", "/dev/null"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    total, split, realigned, _ = done.stderr.split(":")[1].split()[0].split("/")
    assert int(total) > 200
    assert (split, realigned) == ("0", "0")


def test_parent_is_its_founder(world, family):
    founder = read_genotypes(world / "founders.chr21.bcf", "chr21", ["FEUR001"])
    mother = read_genotypes(family / "M1.bcf", "chr21")
    assert mother.samples == ("M1",)
    np.testing.assert_array_equal(mother.alleles, founder.alleles)
    assert read_tsv(family / "M1.segments.tsv") == []


@pytest.mark.parametrize("chrom", CHROMOSOMES)
def test_embryo_follows_its_segments(family, chrom):
    embryo = read_genotypes(family / "E1.bcf", chrom)
    rows = [r for r in read_tsv(family / "E1.segments.tsv") if r["chrom"] == chrom]
    for copy, (parent, name) in enumerate((("mother", "M1"), ("father", "P1"))):
        alleles = read_genotypes(family / f"{name}.bcf", chrom).alleles[:, 0]
        covered = 0
        for row in (r for r in rows if r["parent"] == parent):
            start, end = int(row["start"]), int(row["end"])
            inside = (embryo.pos_bp >= start) & (embryo.pos_bp <= end)
            expected = alleles[inside, int(row["haplotype"]) - 1]
            np.testing.assert_array_equal(embryo.alleles[inside, 0, copy], expected)
            covered += int(inside.sum())
        assert covered == len(embryo.pos_bp)


def test_embryos_differ_and_do_not_depend_on_each_other(world, family, tmp_path):
    make_member(world, tmp_path, "E2", "--mother FEUR001 --father FEUR002")
    assert digest(tmp_path / "E2.bcf") == digest(family / "E2.bcf")
    assert digest(family / "E1.bcf") != digest(family / "E2.bcf")


def test_reads_repeat_byte_for_byte(world, family, tmp_path):
    (tmp_path / "E1.bcf").write_bytes((family / "E1.bcf").read_bytes())
    make_reads(world, tmp_path, "E1", AMPLIFIED)
    for name in ("E1_1.fq.gz", "E1_2.fq.gz", "E1.dropout.tsv"):
        assert digest(tmp_path / name) == digest(family / name)


@pytest.fixture(scope="module")
def aligned(world, family) -> dict[str, Path]:
    """Reads of M1 and E1, aligned and sorted."""
    genome = str(world / "genome.fa")
    subprocess.run(["bwa", "index", genome], check=True, capture_output=True)
    paths = {}
    for sample in ("M1", "E1"):
        mates = [str(family / f"{sample}_{mate}.fq.gz") for mate in (1, 2)]
        sam = subprocess.run(
            ["bwa", "mem", genome, *mates], check=True, capture_output=True
        )
        paths[sample] = family / f"{sample}.bam"
        sort = ["samtools", "sort", "-o", str(paths[sample]), "-"]
        subprocess.run(sort, check=True, input=sam.stdout, capture_output=True)
        pysam.index(str(paths[sample]))
    return paths


@pytest.mark.parametrize("sample", ["M1", "E1"])
def test_reads_align_back(aligned, sample):
    with pysam.AlignmentFile(aligned[sample]) as reads:
        pairs = [(r.is_proper_pair, r.template_length, r.query_length) for r in reads]
    proper, template, length = map(np.array, zip(*pairs, strict=True))
    assert proper.mean() > 0.995
    inserts = template[template > 0]
    assert inserts.mean() == pytest.approx(300, abs=3)
    assert inserts.std() == pytest.approx(40, abs=3)
    assert length.sum() / 400_000 == pytest.approx(10, rel=0.03)


def observed_alleles(path: Path, truth: Path) -> tuple[np.ndarray, np.ndarray]:
    """Bases (first allele's, all) seen at the heterozygous SNVs of chr21."""
    genotypes = read_genotypes(truth, "chr21")
    counts = []
    with pysam.AlignmentFile(path) as reads:
        for pos, ref, alt, pair in zip(
            genotypes.pos_bp.tolist(),
            genotypes.ref,
            genotypes.alt,
            genotypes.alleles[:, 0],
            strict=True,
        ):
            if len(ref) > 1 or len(alt) > 1 or pair[0] == pair[1]:
                continue
            seen = dict(
                zip(
                    "ACGT",
                    (c[0] for c in reads.count_coverage("chr21", pos - 1, pos)),
                    strict=True,
                )
            )
            first = seen[alt if pair[0] else ref]
            counts.append((first, seen[ref] + seen[alt]))
    first, total = np.array(counts).T
    return first, total


def test_ordinary_dna_shows_both_alleles(aligned, family):
    first, total = observed_alleles(aligned["M1"], family / "M1.bcf")
    assert len(total) > 30
    assert first.sum() / total.sum() == pytest.approx(0.5, abs=0.06)
    assert ((first > 0) & (first < total))[total >= 8].mean() > 0.97


def test_amplified_dna_shows_the_share_that_the_table_gives(aligned, family):
    rows = read_tsv(family / "E1.dropout.tsv")
    shares = np.array([float(r["maternal_share"] or "nan") for r in rows])
    lengths = np.array([int(r["end"]) - int(r["start"]) + 1 for r in rows])
    one_lost = np.isin(shares, (0.0, 1.0))
    obtained = lengths[one_lost].sum() / lengths[np.isfinite(shares)].sum()
    assert obtained == pytest.approx(0.3, abs=0.08)
    first, total = observed_alleles(aligned["E1"], family / "E1.bcf")
    genotypes = read_genotypes(family / "E1.bcf", "chr21")
    snv_het = [
        len(ref) == len(alt) == 1 and pair[0] != pair[1]
        for ref, alt, pair in zip(
            genotypes.ref, genotypes.alt, genotypes.alleles[:, 0], strict=True
        )
    ]
    starts = np.array([int(r["start"]) for r in rows if r["chrom"] == "chr21"])
    at = np.searchsorted(starts, genotypes.pos_bp[snv_het], side="right") - 1
    share = shares[at]
    used = np.isfinite(share) & (total >= 4)
    seen = first[used] / total[used]
    # Fragments reach into the neighbouring amplicon, and ten reads are few.
    assert np.corrcoef(seen, share[used])[0, 1] > 0.8
    assert seen.mean() == pytest.approx(share[used].mean(), abs=0.05)


def test_errors_are_as_asked(aligned, world):
    changes: Counter[str] = Counter()
    bases = 0
    with (
        pysam.AlignmentFile(aligned["M1"]) as reads,
        pysam.FastaFile(world / "genome.fa") as genome,
    ):
        for read in reads:
            if read.cigarstring != "100M" or read.reference_name != "chr21":
                continue
            true = genome.fetch("chr21", read.reference_start, read.reference_end)
            bases += len(true)
            pairs = zip(true, read.query_sequence, strict=True)
            changes.update(a + b for a, b in pairs if a != b)
    # Sequencing errors, and the mother's own variants.
    assert sum(changes.values()) / bases == pytest.approx(0.0047, abs=0.001)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--founder NOBODY", "no sample 'NOBODY'"),
        ("--mother FEUR001 --father NOBODY", "no sample 'NOBODY'"),
    ],
)
def test_unknown_founder_is_a_user_error(world, tmp_path, capsys, flags, message):
    assert simulate_family.main(family_flags(world, tmp_path, "X", flags)) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "X.bcf").exists()


def test_unphased_founders_are_refused(world, tmp_path, capsys):
    broken = tmp_path / "founders.chr21.bcf"
    text = subprocess.run(
        ["bcftools", "view", str(world / "founders.chr21.bcf")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.replace("0|1", "0/1")
    view = ["bcftools", "view", "-Ob", "-o", str(broken), "-"]
    subprocess.run(view, check=True, input=text, text=True)
    flags = family_flags(world, tmp_path, "X", "--founder FEUR001")
    flags[flags.index(str(world / "founders.chr21.bcf"))] = str(broken)
    assert simulate_family.main(flags) == 2
    assert "unphased" in capsys.readouterr().err


def test_reads_of_another_reference_are_refused(world, family, tmp_path, capsys):
    other = tmp_path / "world"
    make_population(other, seed=2)
    (tmp_path / "M1.bcf").write_bytes((family / "M1.bcf").read_bytes())
    assert simulate_reads.main(reads_flags(other, tmp_path, "M1")) == 2
    assert "is not what the FASTA has" in capsys.readouterr().err
    assert not (tmp_path / "M1_1.fq.gz").exists()


def test_kinship_flags_exclude_each_other(world, tmp_path):
    flags = family_flags(world, tmp_path, "X", "--founder FEUR001 --mother FEUR002")
    with pytest.raises(SystemExit):
        simulate_family.main(flags)
