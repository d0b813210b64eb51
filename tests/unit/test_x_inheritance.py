"""Embryos on X in the chain of a family: daughters and sons against the truth."""

import numpy as np
import pytest

from morula import (
    amplification,
    embryo_posterior,
    family_input,
    family_sampling,
    x_inheritance,
)
from morula.amplification import Preset
from x_family import XFamily

LEARNT = amplification.start(Preset(0.15, 2.0, 10_000), 1, 11, 2e-3, 2e-3, 3e-3, 0.0)
SCHEDULE = family_sampling.Schedule(5, 12, 0.002, 20)


def corrected(world, copies, depth, contamination=0.0):
    """Truth, reads, rows and posterior of embryos with such copies."""
    drawn = [world.embryo(*one, depth) for one in copies]
    rows = family_input.informative(world.family)
    learnt = amplification.start(
        Preset(0.15, 2.0, 10_000), 1, 11, 2e-3, 2e-3, 3e-3, contamination
    )
    embryos = [
        family_input.embryo_of(world.family, rows, counts, learnt, 60.0, 0.003)
        for _, counts in drawn
    ]
    is_son = [one[1] == 0 for one in copies]
    single = world.is_single[rows]
    embryos = x_inheritance.with_sons(embryos, [learnt] * len(drawn), single, is_son)
    found = family_sampling.sample_family(
        family_input.chain_of(world.family, rows),
        embryos,
        SCHEDULE,
        np.random.default_rng(1),
    )
    return drawn, rows, x_inheritance.folded(found, single, is_son)


@pytest.mark.parametrize(
    ("depth", "knows_father", "least"),
    [(10.0, True, 0.999), (0.5, True, 0.99), (10.0, False, 0.99)],
)
def test_genotypes_of_daughters_and_sons(depth, knows_father, least):
    world = XFamily(3, knows_father)
    copies = [(1, 1, 1), (1, 0, 1), (1, 0, 1)]
    drawn, rows, found = corrected(world, copies, depth)
    single = world.is_single[rows]
    for i, ((alleles, _), one) in enumerate(zip(drawn, copies, strict=True)):
        best = found.genotypes[i].argmax(axis=1)
        maternal = best >> 1 == alleles[rows, 0]
        assert maternal[single].mean() >= least, i
        if knows_father:
            paternal = best & 1 == alleles[rows, 1]
            assert paternal[~single].mean() > 0.97
        is_son = one[1] == 0
        carries = found.genotypes[i][single][:, [1, 3]].sum()
        assert (carries == 0) == is_son


def test_a_son_without_reads_of_an_allele_is_told_by_his_haplotype():
    """A sure read of his one copy is no dropout: no other allele is expected."""
    world = XFamily(4)
    drawn, rows, found = corrected(world, [(1, 0, 1)], 3.0)
    single = world.is_single[rows]
    het = world.mother[rows].sum(axis=1) == 1
    right = (found.genotypes[0].argmax(axis=1) >> 1) == drawn[0][0][rows, 0]
    assert right[single & het].mean() > 0.998
    assert (found.genotypes[0][single & het].max(axis=1) > 0.99).mean() > 0.98


def test_contaminated_sons_have_classes_of_all_mixtures():
    world = XFamily(5)
    drawn, rows, found = corrected(world, [(1, 0, 1)], 10.0, contamination=0.05)
    single = world.is_single[rows]
    right = (found.genotypes[0].argmax(axis=1) >> 1) == drawn[0][0][rows, 0]
    assert right[single].mean() > 0.99


def test_samples_of_the_paternal_side():
    world = XFamily(6)
    _, rows, found = corrected(world, [(1, 1, 1), (1, 0, 1)], 5.0)
    single = world.is_single[rows]
    allele = embryo_posterior.unpack(found.samples.allele, len(rows))
    haplotype = embryo_posterior.unpack(found.samples.haplotype, len(rows))
    assert not allele[1, 1][:, single].any()
    assert allele[1, 1][:, ~single].any()
    his = world.father[rows, 0][single]
    assert (allele[1, 0][:, single] == his).mean() > 0.99
    assert not haplotype[1][:, :, single].any()


def test_of_son_reads_every_share_as_all_maternal():
    world = XFamily(7)
    rows = family_input.informative(world.family)
    _, counts = world.embryo(1, 0, 1, 5.0)
    one = family_input.embryo_of(world.family, rows, counts, LEARNT, 60.0, 0.003)
    single = world.is_single[rows]
    son = x_inheritance.of_son(one, 11, single)
    own = son.ln_read[son.site_class[single][0]]
    np.testing.assert_array_equal(own, own[:, -1:].repeat(own.shape[1], axis=1))
    # The father's allele does not matter.
    np.testing.assert_allclose(own[0], own[1])
    np.testing.assert_allclose(own[2], own[3])
    np.testing.assert_array_equal(son.site_class[~single], one.site_class[~single])


def test_segments_are_cut_at_the_pars_and_sons_have_none_between():
    world = XFamily(8)
    _, rows, found = corrected(world, [(1, 1, 1), (1, 0, 1)], 10.0)
    bounds = world.pos_bp[world.is_single][[0, -1]]
    for i in range(2):
        raw = embryo_posterior.unpack(found.samples.haplotype[1, i], len(rows))
        parts = list(x_inheritance.segments_of(world.family, rows, 1, raw, i == 1))
        inside = [p for p in parts if bounds[0] <= p.start and p.end <= bounds[1]]
        outside = [p for p in parts if p.end < bounds[0] or p.start > bounds[1]]
        assert len(inside) + len(outside) == len(parts)
        assert [p.haplotype for p in inside] == ([1] if i == 0 else [])
        assert len(outside) >= 2
