"""Parents' VCF files of many makes."""

import gzip
from pathlib import Path

import cyvcf2
import pysam
import pytest

import calling_world as world
import import_vcf

SECOND = "chrU"
HEADER = """\
##fileformat=VCFv4.2
##FILTER=<ID=LowQual,Description="Low">
##INFO=<ID=END,Number=1,Type=Integer,Description="End">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Depths">
##FORMAT=<ID=GQ,Number=1,Type=Float,Description="Quality">
##FORMAT=<ID=PL,Number=G,Type=Integer,Description="Likelihoods">
"""


class Folder:
    """A genome of two chromosomes, panel sites, and VCF files written into it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bases = world.make_genome(path)
        text = f">{SECOND}\n{self.bases}\n>{world.CHROM}\n{self.bases}\n"
        (path / "genome.fa").write_text(text)
        pysam.faidx(str(path / "genome.fa"))
        for chrom in (world.CHROM, SECOND):
            sites = [(p, self.ref(p), self.alt(p)) for p in (100, 200, 300, 400, 500)]
            sites.append((500, self.ref(500), self.alt(500, 2)))
            world.write_sites(path / f"{chrom}.tsv.gz", sites)
            plain = gzip.decompress((path / f"{chrom}.tsv.gz").read_bytes()).decode()
            renamed = plain.replace(world.CHROM, chrom)
            (path / f"{chrom}.tsv.gz").write_bytes(gzip.compress(renamed.encode()))

    def ref(self, pos_bp: int, length: int = 1) -> str:
        return self.bases[pos_bp - 1 : pos_bp - 1 + length]

    def alt(self, pos_bp: int, step: int = 1) -> str:
        return world.other_base(self.ref(pos_bp), step)

    def line(self, pos_bp, ref, alt, *cells, chrom=world.CHROM, form="GT", **rest):
        fields = [chrom, str(pos_bp), ".", ref, alt, "50", rest.get("flt", "PASS")]
        return "\t".join([*fields, rest.get("info", "."), form, *cells]) + "\n"

    def write(self, name: str, samples: list[str], lines: list[str]) -> str:
        contigs = f"##contig=<ID={world.CHROM}>\n##contig=<ID={SECOND}>\n"
        columns = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split()
        head = HEADER + contigs + "\t".join([*columns, *samples]) + "\n"
        data = (head + "".join(lines)).encode()
        packed = gzip.compress(data) if name.endswith(".gz") else data
        (self.path / name).write_bytes(packed)
        return str(self.path / name)

    def load(self, vcf: str, sample: str = "P1") -> int:
        argv = ["--vcf", vcf, "--sample", sample, "--max-wrong-ref", "0.02"]
        argv += ["--genome", f"{self.path}/genome.fa"]
        argv += ["--chromosomes", world.CHROM, SECOND, "--panel-sites"]
        argv += [f"{self.path}/{world.CHROM}.tsv.gz", f"{self.path}/{SECOND}.tsv.gz"]
        return import_vcf.main([*argv, "--output", f"{self.path}/out.bcf"])

    def genotypes(self, chrom: str = world.CHROM) -> dict[tuple[int, str], str]:
        """GT by position and ALT, of all records of a chromosome."""
        with pysam.VariantFile(f"{self.path}/out.bcf") as handle:
            assert list(handle.header.samples) == ["P1"]
            found = {}
            for record in handle.fetch(chrom):
                alleles = record.samples[0]["GT"]
                text = "/".join("." if a is None else str(a) for a in alleles)
                assert (record.pos, record.alts[0]) not in found
                found[record.pos, record.alts[0]] = text
        return found


@pytest.fixture
def folder(tmp_path) -> Folder:
    return Folder(tmp_path)


def anchor(folder: Folder, n_samples: int = 1) -> str:
    """A line on the second chromosome, which must not be empty."""
    cells = ["0/1"] * n_samples
    return folder.line(300, folder.ref(300), folder.alt(300), *cells, chrom=SECOND)


def test_variants_only(folder):
    """Two samples, no index, chromosomes and positions in no order, plain gzip."""
    f = folder
    lines = [
        anchor(f, 2),
        f.line(400, f.ref(400), f"{f.alt(400, 2)},{f.alt(400)}", "0/1", "2/2"),
        f.line(200, f.ref(200), f.alt(200), "1|1", "1|0"),
        f.line(100, f.ref(100), f.alt(100), "0/1", "0/1", flt="LowQual"),
        f.line(300, f.ref(300), f.alt(300), "0/1", "."),
    ]
    assert f.load(f.write("two.vcf.gz", ["X", "P1"], lines)) == 0
    assert f.genotypes() == {
        (100, f.alt(100)): "./.",
        (200, f.alt(200)): "0/1",
        (300, f.alt(300)): "./.",
        (400, f.alt(400)): "1/1",
        (400, f.alt(400, 2)): "0/0",
        (500, f.alt(500)): "./.",
        (500, f.alt(500, 2)): "./.",
    }
    assert f.genotypes(SECOND)[300, f.alt(300)] == "0/1"
    panel = {
        (r.CHROM, r.POS, r.ALT[0])
        for r in cyvcf2.VCF(f"{f.path}/out.bcf")
        if r.INFO.get("PANEL") is not None
    }
    assert len(panel) == 12
    assert (world.CHROM, 400, f.alt(400, 2)) not in panel


def test_gvcf_blocks_are_hom_ref(folder):
    f = folder
    both = f"{f.alt(400)},<NON_REF>"
    lines = [
        f.line(90, f.ref(90), "<NON_REF>", "0/0", info="END=250"),
        f.line(400, f.ref(400), both, "0/1:9,8,0:99", form="GT:AD:GQ"),
        f.line(500, f.ref(500), "<NON_REF>", "0/0", info="END=500"),
        anchor(f),
    ]
    assert f.load(f.write("g.vcf", ["other_name"], lines)) == 0
    found = f.genotypes()
    assert found[100, f.alt(100)] == found[200, f.alt(200)] == "0/0"
    assert found[300, f.alt(300)] == "./."
    assert found[400, f.alt(400)] == "0/1"
    assert found[500, f.alt(500)] == found[500, f.alt(500, 2)] == "0/0"
    with pysam.VariantFile(f"{f.path}/out.bcf") as handle:
        record = next(handle.fetch(world.CHROM, 399, 400))
        assert record.samples[0]["AD"] == (9, 8)
        assert record.samples[0]["GQ"] == 99


def test_substitutions_of_several_bases_become_snvs(folder):
    f = folder
    alt = f.alt(199) + f.alt(200)
    lines = [f.line(199, f.ref(199, 2), alt, "0/1"), anchor(f)]
    assert f.load(f.write("mnv.vcf", ["P1"], lines)) == 0
    found = f.genotypes()
    assert found[199, f.alt(199)] == found[200, f.alt(200)] == "0/1"


def test_an_array_lists_hom_ref(folder):
    f = folder
    lines = [
        f.line(100, f.ref(100), ".", "0/0"),
        f.line(200, f.ref(200), f.alt(200), "0/0"),
        f.line(300, f.ref(300), f.alt(300, 3), "0/0"),
        f.line(400, f.ref(400), f.alt(400), "./."),
        anchor(f),
    ]
    assert f.load(f.write("array.vcf", ["P1"], lines)) == 0
    found = f.genotypes()
    assert [found[p, f.alt(p)] for p in (100, 200, 300, 400)] == [
        "0/0",
        "0/0",
        "0/0",
        "./.",
    ]


def test_another_build_is_refused(folder, capfd):
    f = folder
    lines = [f.line(p, f.ref(p), f.alt(p), "0/1") for p in range(100, 130)]
    lines += [f.line(p, f.alt(p), f.ref(p), "0/1") for p in range(130, 133)]
    assert f.load(f.write("b.vcf", ["P1"], [*lines, anchor(f)])) == 2
    error = capfd.readouterr().err
    assert "REF differs from the reference at 3 of 34 lines" in error
    assert "chrT:130" in error
    assert not (f.path / "out.bcf").exists()
    assert not list(f.path.glob(".work-*"))


def test_nothing_usable_is_refused(folder, capfd):
    f = folder
    lines = [
        f.line(p, f.ref(p), f.alt(p), "0/1", chrom=chrom, flt="LowQual")
        for chrom in (world.CHROM, SECOND)
        for p in (100, 200)
    ]
    assert f.load(f.write("e.vcf", ["P1"], lines)) == 2
    assert "of 4 lines 4 have a FILTER" in capfd.readouterr().err


def test_missing_chromosome_is_named(folder, capfd):
    f = folder
    lines = [f.line(100, f.ref(100), f.alt(100), "0/1")]
    assert f.load(f.write("c.vcf", ["P1"], lines)) == 2
    assert "nothing on chrU; its first chromosomes are chrT" in capfd.readouterr().err


def test_no_such_sample_is_named(folder, capfd):
    vcf = folder.write("d.vcf", ["A", "B"], [anchor(folder, 2)])
    assert folder.load(vcf) == 2
    assert "no sample 'P1' (found A, B)" in capfd.readouterr().err


def test_a_truncated_file_is_refused(folder, capfd):
    f = folder
    lines = [f.line(p, f.ref(p), f.alt(p), "0/1") for p in range(100, 2000)]
    path = Path(f.write("t.vcf.gz", ["P1"], [anchor(f), *lines]))
    path.write_bytes(path.read_bytes()[:-300])
    assert f.load(str(path)) == 2
    assert "t.vcf.gz" in capfd.readouterr().err
    assert not (f.path / "out.bcf").exists()
