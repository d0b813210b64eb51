"""The counts mode's scripts, from a world to what the stages after calling read."""

import gzip
import shutil
import subprocess
from pathlib import Path

import cyvcf2
import numpy as np
import pytest

import phase_parents
import simulate_calls
import simulate_counts
from morula import family_sites, parental_alleles
from morula.allele_counts import read_counts
from morula.haplotypes import read_genotypes
from morula.simulation import summary, template
from morula.simulation.bcf import read_copy_alleles
from morula.tables import read_tsv
from simulated_family import CHROMOSOMES, PARENTS, digest, make_member, make_population
from workflow_rules import ROOT

READS = (
    "--read-length 100 --insert-mean 300 --insert-sd 40 --error-rate 0.004"
    " --duplicate-rate 0.05 --min-base-quality 20 --seed 1"
)
MEMBERS = {
    "M1": "--founder FEUR001 --sex female",
    "P1": "--founder FEUR002 --sex male",
    "E1": f"{PARENTS} --sex female",
    "E2": f"{PARENTS} --sex male",
    "FAFR001": "--founder FAFR001 --sex female",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A world, a family's truth, and tables of the panel's SNVs."""
    directory = tmp_path_factory.mktemp("counts")
    make_population(directory)
    for name, kinship in MEMBERS.items():
        make_member(directory, directory, name, kinship)
    for chrom in CHROMOSOMES:
        with gzip.open(directory / f"{chrom}.sites.tsv.gz", "wt") as handle:
            for record in cyvcf2.VCF(str(directory / f"panel/{chrom}.bcf")):
                if len(record.REF) == len(record.ALT[0]) == 1:
                    alleles = f"{record.REF},{record.ALT[0]}"
                    handle.write(f"{chrom}\t{record.POS}\t{alleles}\n")
    return directory


def counts_flags(
    folder: Path, out: Path, sample: str, extra: str = "", source: str = ""
) -> list[str]:
    source = source or sample
    sites = " ".join(str(folder / f"{chrom}.sites.tsv.gz") for chrom in CHROMOSOMES)
    outputs = " ".join(str(out / f"{sample}.{chrom}.bcf") for chrom in CHROMOSOMES)
    flags = (
        f"--sample {sample} --source {source} --truth {folder / source}.bcf"
        f" --copies {folder / source}.copies.tsv --chromosomes {' '.join(CHROMOSOMES)}"
        f" --sites {sites} --protocols {ROOT / 'resources/simulation.tsv'} {READS}"
        f" --genome {folder / 'genome.fa'} --depth 20 --outputs {outputs}"
        f" --template {out / sample}.dropout.tsv --summary {out / sample}.summary.tsv"
    )
    extra = extra if "--amplification" in extra else f"--amplification none {extra}"
    return f"{flags} {extra}".split()


def make_counts(
    folder: Path, out: Path, sample: str, extra: str = "", source: str = ""
) -> dict[str, str]:
    """Run the script; returns the row of the summary."""
    flags = counts_flags(folder, out, sample, extra, source)
    assert simulate_counts.main(flags) == 0
    (row,) = read_tsv(out / f"{sample}.summary.tsv")
    return row


def counts_of(
    folder: Path, out: Path, sample: str, person: str
) -> tuple[np.ndarray, np.ndarray]:
    """Counts (L, 2) of both chromosomes, and ALT copies of a person at their sites."""
    counts, copies = [], []
    for chrom in CHROMOSOMES:
        sites = family_sites.read_sites(folder / f"{chrom}.sites.tsv.gz", chrom)
        counts.append(read_counts(out / f"{sample}.{chrom}.bcf", chrom, sites))
        pos, ref, alt, alleles = read_copy_alleles(
            folder / f"{person}.bcf", chrom, person
        )
        keys = zip(pos.tolist(), ref, alt, strict=True)
        carried = dict(zip(keys, (alleles == 1).sum(axis=1).tolist(), strict=True))
        copies.append(np.array([carried.get(key, 0) for key in sites.index()]))
    return np.concatenate(counts), np.concatenate(copies)


def test_counts_are_those_of_the_sample_s_genome(folder, tmp_path):
    row = make_counts(folder, tmp_path, "E1")
    counts, copies = counts_of(folder, tmp_path, "E1", "E1")
    assert counts.sum(axis=1).mean() == pytest.approx(float(row["depth"]), rel=1e-4)
    assert 15 < float(row["depth"]) < 20
    share = counts[:, 1] / counts.sum(axis=1).clip(1)
    for n in range(3):
        assert share[copies == n].mean() == pytest.approx(n / 2, abs=0.02)
    assert read_tsv(tmp_path / "E1.dropout.tsv") == []
    assert float(row["dropout"]) == 0.0
    assert float(row["error"]) < 0.002


def test_a_record_has_what_the_call_stage_s_counts_have(folder, tmp_path):
    make_counts(folder, tmp_path, "E1", "--amplification MDA")
    reader = cyvcf2.VCF(str(tmp_path / "E1.chr21.bcf"))
    assert reader.samples == ["E1"]
    assert reader.seqnames == CHROMOSOMES
    for record in reader:
        depth, forward, reverse = (record.format(k)[0] for k in ("AD", "ADF", "ADR"))
        np.testing.assert_array_equal(depth, forward + reverse)
        quality = record.format("QS")[0]
        assert ((quality > 0) == (depth > 0)).all()
        assert (quality >= 20 * depth).all()
    assert (tmp_path / "E1.chr21.bcf.csi").is_file()


def test_truth_of_the_template(folder, tmp_path):
    extra = "--amplification MDA --cells 1 --set dropout_rate 0.4 --set amplicon_bp 900"
    row = make_counts(folder, tmp_path, "E1", extra)
    assert list(row) == list(summary.COLUMNS)
    assert (row["protocol"], row["cells"]) == ("MDA_single", "1")
    assert row["asked_cell_dropout"] == "0.4"
    assert float(row["cell_dropout"]) == pytest.approx(0.4, abs=0.06)
    assert 0.5 < float(row["dropout"]) / float(row["template_dropout"]) < 1.0
    rows = read_tsv(tmp_path / "E1.dropout.tsv")
    assert list(rows[0]) == list(template.COLUMNS)
    shares = np.array([float(r["maternal_share"] or "nan") for r in rows])
    bases = np.array([int(r["end"]) - int(r["start"]) + 1 for r in rows])
    lost = np.isin(shares, (0.0, 1.0))
    found = bases[lost].sum() / bases[np.isfinite(shares)].sum()
    assert found == pytest.approx(float(row["template_dropout"]), abs=1e-4)
    for chrom in CHROMOSOMES:
        part = [r for r in rows if r["chrom"] == chrom]
        starts = [int(r["start"]) for r in part]
        assert starts[1:] == [int(r["end"]) + 1 for r in part[:-1]]


def test_swapped_tube_and_contamination(folder, tmp_path):
    make_counts(folder, tmp_path, "E1", source="E2")
    counts, own = counts_of(folder, tmp_path, "E1", "E1")
    _, other = counts_of(folder, tmp_path, "E1", "E2")
    share = counts[:, 1] / counts.sum(axis=1).clip(1)
    different = own != other
    assert different.sum() > 100
    assert np.abs(share - other / 2)[different].mean() < 0.1
    foreign = f"--contaminant FAFR001 --contaminant-truth {folder}/FAFR001.bcf"
    foreign += f" --contaminant-copies {folder}/FAFR001.copies.tsv --contamination 0.2"
    row = make_counts(folder, tmp_path, "E2", foreign)
    assert float(row["asked_contamination"]) == 0.2
    assert float(row["contamination"]) == pytest.approx(0.2, abs=0.01)
    counts, own = counts_of(folder, tmp_path, "E2", "E2")
    _, stranger = counts_of(folder, tmp_path, "E2", "FAFR001")
    opposite = (own == 0) & (stranger == 2)
    assert opposite.sum() > 20
    seen = counts[opposite, 1].sum() / counts[opposite].sum()
    assert seen == pytest.approx(0.2, abs=0.04)


def test_same_seed_same_bytes(folder, tmp_path):
    names = ["E1.chr21.bcf", "E1.chr22.bcf", "E1.chr21.bcf.csi", "E1.dropout.tsv"]
    digests = []
    for number in (1, 2):
        out = tmp_path / str(number)
        make_counts(folder, out, "E1", "--amplification PTA")
        digests.append([digest(out / name) for name in names])
    assert digests[0] == digests[1]
    other = tmp_path / "other"
    flags = counts_flags(folder, other, "E1", "--amplification PTA")
    flags[flags.index("--seed") + 1] = "2"
    assert simulate_counts.main(flags) == 0
    assert digest(other / names[0]) != digests[0][0]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("--amplification SPA", "no amplification 'SPA'"),
        ("--set dropout 0.1", "no number 'dropout' of a protocol"),
        ("--set dropout_rate much", "found 'much'; expected a number"),
        ("--amplification MDA --set dropout_rate 1", "no template is left"),
    ],
)
def test_mistakes_of_the_user(folder, tmp_path, capsys, extra, message):
    assert simulate_counts.main(counts_flags(folder, tmp_path, "E1", extra)) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("*.bcf"))


@pytest.mark.parametrize(
    "extra",
    [
        "--contamination 0.1",
        "--contaminant M1",
        "--error-rate 0.5",
        "--duplicate-rate 1",
    ],
)
def test_flags_that_do_not_go_together(folder, tmp_path, extra):
    with pytest.raises(SystemExit):
        simulate_counts.main(counts_flags(folder, tmp_path, "E1", extra))


def calls_flags(folder: Path, out: Path, chrom: str) -> list[str]:
    names = ["M1", "P1"]
    flags = f"--samples M1 P1 --sources M1 P1 --depths 25 20 --chrom {chrom}"
    for flag, end in (("truths", "bcf"), ("copies", "copies.tsv")):
        flags += f" --{flag} " + " ".join(f"{folder / name}.{end}" for name in names)
    flags += f" --panel-sites {folder / chrom}.sites.tsv.gz {READS}"
    flags += f" --genome-index {folder / 'genome.fa.fai'} --output {out}"
    return flags.split()


@pytest.fixture(scope="module")
def calls(folder) -> Path:
    out = folder / "calls.chr21.bcf"
    assert simulate_calls.main(calls_flags(folder, out, "chr21")) == 0
    return out


def test_calls_have_all_panel_sites_and_the_parents_other_variants(folder, calls):
    sites = family_sites.read_sites(folder / "chr21.sites.tsv.gz", "chr21")
    records = list(cyvcf2.VCF(str(calls)))
    keys = [(r.POS, r.REF, r.ALT[0]) for r in records]
    panel = [r.INFO.get("PANEL") is not None for r in records]
    assert [key for key, one in zip(keys, panel, strict=True) if one] == list(
        sites.index()
    )
    assert [pos for pos, _, _ in keys] == sorted(pos for pos, _, _ in keys)
    others = [r for r, one in zip(records, panel, strict=True) if not one]
    assert any(len(r.REF) != len(r.ALT[0]) for r in others)
    assert all(r.QUAL >= 20 for r in others)
    truth = {}
    for name in ("M1", "P1"):
        pos, ref, alt, alleles = read_copy_alleles(
            folder / f"{name}.bcf", "chr21", name
        )
        copies = alleles.sum(axis=1).tolist()
        rows = zip(pos.tolist(), ref, alt, strict=True)
        truth[name] = dict(zip(rows, copies, strict=True))
    called = read_genotypes(calls, "chr21", ["M1", "P1"]).alleles.sum(axis=2)
    for column, name in enumerate(("M1", "P1")):
        expected = np.array([truth[name].get(key, 0) for key in keys])
        assert (called[:, column] == expected).mean() > 0.998


def test_calls_are_read_as_the_call_stage_s(folder, calls):
    sites = family_sites.read_sites(folder / "chr21.sites.tsv.gz", "chr21")
    likelihoods = parental_alleles.genotype_likelihoods(calls, "M1", sites, 0.01)
    assert (likelihoods.max(axis=1) == 1.0).all()
    assert (np.sort(likelihoods, axis=1)[:, 1] < 0.5).mean() > 0.99


@pytest.mark.skipif(shutil.which("shapeit4") is None, reason="shapeit4 is not there")
def test_parents_are_phased_from_the_calls(folder, calls, tmp_path):
    view = f"bcftools +fill-tags {folder}/panel/chr21.bcf -Ob -o {tmp_path}/panel.bcf"
    subprocess.run([*view.split(), "--", "-t", "AC,AN"], check=True)
    subprocess.run(["bcftools", "index", str(tmp_path / "panel.bcf")], check=True)
    flags = (
        f"--calls {calls} --parents M1 P1 --panel {tmp_path}/panel.bcf"
        f" --map {folder}/maps/chr21.female.map --genome {folder}/genome.fa"
        " --chrom chr21 --seed 1 --min-genotype-quality 20"
        f" --mcmc-iterations 2b,1p,1b,2m --output {tmp_path}/phased.bcf"
        " --runs 1 --draws 10 --beagle-runs 0 --link-error 0.001 --threads 1"
        " --memory-mb 1000"
    )
    assert phase_parents.main(flags.split()) == 0
    phased = read_genotypes(tmp_path / "phased.bcf", "chr21", ["M1", "P1"])
    assert phased.phased.all()
    assert len(phased.pos_bp) > 100


def test_calls_repeat_and_need_a_file_for_each_sample(folder, calls, tmp_path):
    again = tmp_path / "again.bcf"
    assert simulate_calls.main(calls_flags(folder, again, "chr21")) == 0
    assert digest(again) == digest(calls)
    flags = calls_flags(folder, again, "chr21")
    flags.remove("25")
    with pytest.raises(SystemExit):
        simulate_calls.main(flags)
