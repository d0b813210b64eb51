"""learn_amplification.py on a small genome in the files of the stages before it."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pytest

import learn_amplification
from judged_embryo import Copies, World
from morula import amplification_record, family_sites

CHROMOSOMES = ("chr1", "chr2")
MODEL = (
    "--amplification MDA --presets resources/amplification.tsv --prior-amplicons 20"
    " --read-error 0.003 --damage-error 0.006 --indel-error 0.003"
    " --array-error 0.005 --array-noise 0.06 --contamination 0.002 --shares 11"
    " --max-depth 50 --em-iterations 50 --em-tolerance 0.1"
).split()


def write_counts(path, chrom, sites, reads):
    """A counts BCF of E1."""
    header = (
        f"##fileformat=VCFv4.2\n##contig=<ID={chrom},length=100000000>\n"
        '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="reads">\n'
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tE1\n"
    )
    rows = (
        f"{chrom}\t{pos}\t.\t{ref}\t{alt}\t.\t.\t.\tAD\t{n_ref:.0f},{n_alt:.0f}\n"
        for pos, ref, alt, (n_ref, n_alt) in zip(
            sites.pos_bp, sites.ref, sites.alt, reads, strict=True
        )
    )
    command = ["bcftools", "view", "--no-version", "-Ob", "-o", str(path), "-"]
    subprocess.run(command, input=header + "".join(rows), text=True, check=True)


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    """Two chromosomes of a mother and father, and their E1 at 30x."""
    folder = tmp_path_factory.mktemp("genome")
    for seed, chrom in enumerate(CHROMOSOMES):
        world = World(seed, 8_000)
        for name, known in (
            *(("both", (True, True)), ("father", (False, True))),
            ("nobody", (False, False)),
        ):
            family_sites.save(folder / f"{chrom}.{name}.npz", world.family(known))
        reads = world.reads(30.0, Copies(mothers_own=0.05), dropout=0.3)
        write_counts(folder / f"{chrom}.bcf", chrom, world.family().sites, reads)
    return folder


def learn(genome, output, *more, known="both", sites=60_000, embryo="E1"):
    return learn_amplification.main(
        [
            *f"--embryo {embryo} --chromosomes {' '.join(CHROMOSOMES)}".split(),
            "--family-sites",
            *(f"{genome}/{chrom}.{known}.npz" for chrom in CHROMOSOMES),
            "--counts",
            *(f"{genome}/{chrom}.bcf" for chrom in CHROMOSOMES),
            *MODEL,
            *f"--learn-sites {sites} --threads 2 --output {output}".split(),
            *more,
        ]
    )


class TestLearn:
    def test_finds_what_was_done(self, genome, tmp_path):
        assert learn(genome, tmp_path / "E1.json") == 0
        record = amplification_record.read_record(tmp_path / "E1.json")
        assert record.embryo == "E1"
        assert record.converged
        low, high = record.intervals["dropout"]
        assert low < record.dropout < high
        assert low - 0.02 < 0.3 < high + 0.02
        assert record.amplification.contamination == pytest.approx(0.05, abs=0.01)
        assert 0.5 < record.sites_used / (1.5 * record.sites_informative) <= 1.01
        assert record.amplification.share_prior.sum() == pytest.approx(1.0)

    def test_the_same_input_gives_the_same_bytes(self, genome, tmp_path):
        for name, threads in (("a", "1"), ("b", "3")):
            assert learn(genome, tmp_path / name, "--threads", threads) == 0
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    def test_from_some_of_the_sites(self, genome, tmp_path):
        for name, sites in (("all", 60_000), ("some", 2_000)):
            assert learn(genome, tmp_path / name, sites=sites) == 0
        whole, part = (
            amplification_record.read_record(tmp_path / name)
            for name in ("all", "some")
        )
        assert part.sites_used <= 2_000 < whole.sites_used
        width = [np.diff(one.intervals["dropout"])[0] for one in (whole, part)]
        assert width[1] > width[0]

    def test_without_the_mother_no_contamination(self, genome, tmp_path):
        assert learn(genome, tmp_path / "E1.json", known="father") == 0
        data = json.loads((tmp_path / "E1.json").read_text())
        assert data["contamination"] == 0
        assert data["intervals"]["contamination"] is None

    @pytest.mark.parametrize("known", ["father", "nobody"])
    def test_without_a_parent_the_published_dropout(self, genome, tmp_path, known):
        assert learn(genome, tmp_path / "E1.json", known=known) == 0
        record = amplification_record.read_record(tmp_path / "E1.json")
        assert np.isnan(record.dropout)
        assert record.intervals["dropout"] is None
        learnt = record.amplification
        assert learnt.dropout == pytest.approx(0.16, abs=0.01)
        assert learnt.share_prior.sum() == pytest.approx(1.0)
        assert learn(genome, tmp_path / "both.json") == 0
        whole = amplification_record.read_record(tmp_path / "both.json").amplification
        assert learnt.imbalance == pytest.approx(whole.imbalance, abs=0.1)


class TestRefusals:
    def test_an_unknown_method(self, genome, tmp_path, capsys):
        assert learn(genome, tmp_path / "E1.json", "--amplification", "PCR") == 2
        assert "no amplification 'PCR'" in capsys.readouterr().err
        assert list(tmp_path.iterdir()) == []

    def test_counts_of_another_embryo(self, genome, tmp_path, capsys):
        assert learn(genome, tmp_path / "E2.json", embryo="E2") == 2
        assert "expected those of 'E2'" in capsys.readouterr().err

    def test_a_chromosome_without_counts(self, genome, tmp_path, capsys):
        more = ("--counts", str(genome / "chr1.bcf"))
        assert learn(genome, tmp_path / "E1.json", *more) == 2
        assert "one of each for every chromosome" in capsys.readouterr().err
