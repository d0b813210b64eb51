"""Parents of few reads beside one of many, through the script."""

from __future__ import annotations

import cyvcf2
import numpy as np
import pytest

import pack_panel
import refine_calls
from morula import parental_alleles
from small_family import PL, SmallFamily


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Calls in which the mother has one read a site and the father thirty."""
    small = SmallFamily(tmp_path_factory.mktemp("family"))
    rng, snvs = np.random.default_rng(1), np.flatnonzero(small.is_snv)
    small.depth = rng.poisson(1.0, len(small.pos_bp))
    share = small.mother.sum(axis=1) / 2
    small.n_alt = rng.binomial(small.depth, 0.995 * share + 0.005 * (1 - share))

    def cell(row):
        n, alt = small.depth[row], small.n_alt[row]
        ln = [
            alt * np.log10(t) + (n - alt) * np.log10(1 - t) for t in (5e-3, 0.5, 0.995)
        ]
        pl = [round(10 * (max(ln) - one)) for one in ln]
        called = ("0/0", "0/1", "1/1")[int(np.argmin(pl))] if n else "./."
        quality = sorted(pl)[1]
        mother = f"{called}:{','.join(map(str, pl))}:{quality}"
        copies = int(small.father[row].sum())
        return [mother, f"{('0/0', '0/1', '1/1')[copies]}:{PL[copies]}:60"]

    # As joining the samples leaves them.
    info = "PANEL;AC=1;AN=4"
    small.write("low", ["M", "P"], snvs, cell, lambda row: info, "GT:PL:GQ")
    length = 10_000_000
    (small.folder / "genome.fa.fai").write_text(f"chr21\t{length}\t7\t60\t61\n")
    flags = ["--panel", small.folder / "panel.bcf", "--chrom", "chr21"]
    flags += ["--output", small.folder / "bits.npz"]
    assert pack_panel.main(list(map(str, flags))) == 0
    return small


def refine(small, calls, output, parents=("M", "P")):
    folder = small.folder
    return refine_calls.main(
        [
            *f"--calls {calls} --panel-bits {folder}/bits.npz".split(),
            *f"--map {folder}/chr21.map --genome {folder}/genome.fa".split(),
            *"--chrom chr21 --min-genotype-quality 10 --seed 1 --parents".split(),
            *parents,
            *f"--output {output}".split(),
        ]
    )


def genotypes(path, sample):
    reader = cyvcf2.VCF(str(path), gts012=True)
    column = reader.samples.index(sample)
    return np.array([record.gt_types[column] for record in reader])


def test_the_mother_is_refined_and_the_father_stays(world, tmp_path):
    calls, refined = world.folder / "low.bcf", tmp_path / "refined.bcf"
    assert refine(world, calls, refined) == 0
    truth = world.mother[world.is_snv].sum(axis=1)
    before = (genotypes(calls, "M") == truth).mean()
    after = (genotypes(refined, "M") == truth).mean()
    assert 1 - after < 0.5 * (1 - before)
    np.testing.assert_array_equal(genotypes(refined, "P"), genotypes(calls, "P"))
    sites = parental_alleles.Sites(
        world.pos_bp[world.is_snv],
        np.full(world.is_snv.sum(), "A"),
        np.full(world.is_snv.sum(), "G"),
    )
    sure = parental_alleles.genotype_likelihoods(refined, "M", sites, 1e-3)
    assert (sure.argmax(axis=1) == genotypes(refined, "M")).mean() > 0.9


def test_calls_of_many_reads_stay_as_they_are(world, tmp_path):
    calls, refined = world.folder / "call.bcf", tmp_path / "refined.bcf"
    assert refine(world, calls, refined) == 0
    for name in ("M", "P"):
        np.testing.assert_array_equal(genotypes(refined, name), genotypes(calls, name))


def test_an_unknown_parent_is_refused(world, tmp_path, capsys):
    calls, refined = world.folder / "low.bcf", tmp_path / "refined.bcf"
    assert refine(world, calls, refined, ("M", "X")) == 2
    assert "no sample 'X'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
