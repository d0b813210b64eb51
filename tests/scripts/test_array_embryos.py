"""Embryos' arrays, from the VCF to what was inherited."""

from __future__ import annotations

import json

import numpy as np
import pysam
import pytest

import calling_world as world
import count_array
import import_vcf
import learn_amplification
import list_overrides
from family_scripts import (
    NAMES,
    correct,
    finish,
    read_genomes,
    small_chain,
)
from morula import (
    amplification_record,
    array_signal,
    tables,
)

HEADER = """\
##fileformat=VCFv4.2
##INFO=<ID=ALLELE_B,Number=1,Type=String,Description="B allele">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=BAF,Number=1,Type=Float,Description="B allele frequency">
"""
LEARNING = (
    "--presets resources/amplification.tsv --amplification MDA --cells 1"
    " --prior-amplicons 20 --read-error 0.003 --damage-error 0.006"
    " --indel-error 0.003 --contamination 0.002 --shares 9 --max-depth 50"
    " --learn-sites 60000 --em-iterations 50 --em-tolerance 0.1 --threads 1"
    " --array --array-error 0.005 --array-noise 0.06"
).split()


class Array:
    """A genome, the panel's sites, and an array's VCF, imported and counted."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.bases = world.make_genome(folder)
        sites = [(p, *self.alleles(p)) for p in (100, 200, 300, 400, 500, 600)]
        world.write_sites(folder / "sites.tsv.gz", sites)

    def alleles(self, pos_bp):
        ref = self.bases[pos_bp - 1]
        return ref, world.other_base(ref, 1)

    def line(self, pos_bp, cell, form="GT:BAF", b="alt", alt=None):
        ref, other = self.alleles(pos_bp)
        info = {"alt": f"ALLELE_B={other}", "ref": f"ALLELE_B={ref}*", "": "."}[b]
        fields = [world.CHROM, pos_bp, ".", ref, alt or other, ".", ".", info, form]
        return "\t".join(map(str, [*fields, cell])) + "\n"

    def load(self, lines, *more):
        columns = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT E1".split()
        contig = f"##contig=<ID={world.CHROM}>\n"
        text = HEADER + contig + "\t".join(columns) + "\n" + "".join(lines)
        (self.folder / "array.vcf").write_text(text)
        argv = f"--vcf {self.folder}/array.vcf --sample E1 --max-wrong-ref 0.02"
        argv += f" --genome {self.folder}/genome.fa --chromosomes {world.CHROM}"
        argv += f" --panel-sites {self.folder}/sites.tsv.gz"
        argv += f" --output {self.folder}/array.bcf"
        return import_vcf.main([*argv.split(), *more])

    def shown(self, lines):
        """REF and ALT part of what is shown, by position."""
        assert self.load(lines, "--array") == 0
        argv = f"--genome {self.folder}/genome.fa --chrom {world.CHROM} --sample E1"
        argv += f" --array {self.folder}/array.bcf --sites {self.folder}/sites.tsv.gz"
        assert count_array.main(f"{argv} --output {self.folder}/c.bcf".split()) == 0
        with pysam.VariantFile(f"{self.folder}/c.bcf") as handle:
            assert list(handle.header.samples) == ["E1"]
            return {record.pos: record.samples[0]["AD"] for record in handle}


@pytest.fixture
def array(tmp_path):
    return Array(tmp_path)


class TestImport:
    def test_fractions_genotypes_and_nothing(self, array):
        lines = [
            array.line(100, "0/1:0.3"),
            array.line(200, "0/1:0.3", b="ref"),
            array.line(300, "0/1:0.3", b=""),
            array.line(400, "./.:0.5"),
            array.line(500, "1/1:0.02", b=""),
        ]
        assert array.shown(lines) == {
            100: (35, 15),
            200: (15, 35),
            300: (1, 1),
            400: (0, 0),
            500: (1, 49),
            600: (0, 0),
        }

    def test_a_contradicted_fraction_leaves_the_genotype(self, array):
        assert array.shown([array.line(100, "0/0:0.9")])[100] == (2, 0)

    def test_baf_without_genotypes(self, array):
        lines = [array.line(100, "0.8", "BAF"), array.line(200, "0.8", "BAF", b="ref")]
        found = array.shown(lines)
        assert (found[100], found[200]) == ((10, 40), (40, 10))

    def test_genotypes_alone(self, array):
        lines = [
            array.line(100, "0|1", "GT"),
            array.line(200, "0/0", "GT"),
            array.line(300, "1", "GT"),
            array.line(400, "0/0", "GT", alt="."),
        ]
        found = array.shown(lines)
        assert [found[pos] for pos in (100, 200, 300, 400)] == [
            *((1, 1), (2, 0), (0, 2), (2, 0))
        ]

    def test_a_record_of_several_alleles_has_genotypes_alone(self, array):
        ref, alt = array.alleles(100)
        third = world.other_base(ref, 2)
        lines = [array.line(100, "0/2:0.5", alt=f"{alt},{third}")]
        lines.append(array.line(200, "0/1:0.5"))
        found = array.shown(lines)
        assert (found[100], found[200]) == ((2, 0), (25, 25))

    def test_nothing_that_can_be_used(self, array, capsys):
        assert array.load([array.line(100, "./.:.")], "--array") == 2
        assert "or BAF with INFO/ALLELE_B" in capsys.readouterr().err
        assert not (array.folder / "array.bcf").exists()

    def test_a_parent_keeps_no_baf(self, array):
        assert array.load([array.line(100, "0/1:0.3")]) == 0
        with pysam.VariantFile(f"{array.folder}/array.bcf") as handle:
            assert "BAF" not in handle.header.formats


def put_on_arrays(small, rng):
    """What arrays of the family's embryos show, instead of their counts; a marker at
    every second SNV."""
    for name in NAMES:
        true = small.embryos[name]
        alt = true.share * true.alleles[:, 0] + (1 - true.share) * true.alleles[:, 1]
        noisy = np.clip(alt + rng.normal(0, 0.05, len(alt)), 0, 1)
        steps = np.rint(noisy * array_signal.FRACTION_STEPS).astype(int)
        shown = np.stack([array_signal.FRACTION_STEPS - steps, steps], axis=1)
        shown[np.arange(len(shown)) % 2 == 1] = 0
        small.write_counts(name, shown)


def learn(folder, name):
    flags = f"--embryo {name} --chromosomes chr21 --family-sites {folder}/family.npz"
    flags += f" --counts {folder}/counts.{name}.bcf --output {folder}/{name}.json"
    return learn_amplification.main([*flags.split(), *LEARNING])


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """The small family, its embryos on arrays, after every script."""
    folder = tmp_path_factory.mktemp("arrays")
    small = small_chain(folder)
    put_on_arrays(small, np.random.default_rng(2))
    for name in NAMES:
        assert learn(folder, name) == 0
    assert correct(folder, folder) == 0
    assert finish(folder, folder) == 0
    return small


class TestChain:
    def test_what_is_learnt(self, family):
        record = amplification_record.read_record(family.folder / "E1.json")
        assert isinstance(record.amplification, array_signal.ArraySignal)
        assert record.amplification.noise == pytest.approx(0.06, abs=0.02)
        assert 0.05 < record.dropout < 0.4
        assert set(record.intervals) == set(array_signal.ArraySignal.measured)

    def test_the_genomes_are_right(self, family):
        names, genotypes, phased, _ = read_genomes(family.folder / "genomes.bcf")
        for name in NAMES:
            true = family.embryos[name].alleles
            found = genotypes[:, names.index(name)]
            het = (family.mother.sum(axis=1) == 1) | (family.father.sum(axis=1) == 1)
            rows = het & family.is_snv
            assert (found.sum(axis=1) == true.sum(axis=1))[rows].mean() > 0.98
            assert phased[:, names.index(name)].all()

    def test_the_depth_is_not_told(self, family):
        evidence = json.loads((family.folder / "evidence.json").read_text())
        assert set(evidence) == set(NAMES)

    def test_nothing_is_listed_as_override(self, family, tmp_path):
        flags = f"--chrom chr21 --family-sites {family.folder}/family.npz"
        flags += f" --posterior {family.folder}/posterior.npz --max-depth 50"
        flags += " --outlier 0.0001 --genotype-error 0.001 --embryos E1 E2"
        for flag, end in (("counts", "bcf"), ("amplification", "json")):
            prefix = "counts." if flag == "counts" else ""
            paths = [f"{family.folder}/{prefix}{name}.{end}" for name in NAMES]
            flags += f" --{flag} {' '.join(paths)}"
        flags += f" --output {tmp_path}/overrides.tsv"
        argv = f"{flags} --confirmed {tmp_path}/confirmed.npz".split()
        assert list_overrides.main(argv) == 0
        assert tables.read_tsv(tmp_path / "overrides.tsv") == []

    def test_reads_taken_for_an_array_are_refused(self, family, tmp_path, capsys):
        family.write_counts("S1", family.embryos["S1"].counts)
        flags = (
            f"--embryo S1 --chromosomes chr21 --counts {family.folder}/counts.S1.bcf"
        )
        flags += f" --family-sites {family.folder}/family.npz --output {tmp_path}/S1"
        assert learn_amplification.main([*flags.split(), *LEARNING]) == 2
        assert "expected an array's fraction" in capsys.readouterr().err
        assert not (tmp_path / "S1").exists()
