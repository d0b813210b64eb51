"""Where an embryo's own reads contradict what it inherited, and what explains it.

Shapes: N sites that are looked at, G = 4 genotypes 2 m + f, V = 4 vectors 2 a + b, K
grid points of the local share x. A side is 0, the mother's, or 1, the father's; only
that of a known parent can be contradicted. Explanations of a contradiction:
    artefact    the inherited genotype stands: an error of early amplification,
                mismapped reads, or mere chance
    conversion  a gene conversion: the parent's other haplotype over a short tract
    mutation    a new mutation
    parents     the parents' genotypes or phase are wrong here, or a crossover is near
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from morula import override_kernels
from morula.amplification import Amplification
from morula.embryo_kernels import Embryo
from morula.override_table import LEAST_EVENT, Override

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
# METHOD: share of the sites that a meiosis converts: Williams et al. 2015
# doi:10.7554/eLife.04637. P(a tract is longer than t) is 1 / (1 + t / TRACT_BP)^2: most
# are of some hundred bp, but some span many kb (the same). New mutations a bp and
# meiosis: Kong et al. 2012 doi:10.1038/nature11396, four in five of them the father's;
# one in three is to the ALT of the site.
CONVERSION = 5.9e-6
TRACT_BP = 500.0
MUTATION = 1.2e-8 / 3
SHARES = (0.4, 1.6)
# METHOD: what spoils the reads of one site (mismapped reads, a chimera, a copy that the
# reference lacks) often spoils the next: with this probability along a tract. An
# assumption; were sites independent, two wrong ones would pass for a conversion.
CLUSTERED = 0.1
# Hets of a tract are no farther apart.
TRACT_GAP_BP = 2000
# A het with a smaller ln Bayes factor tells neither way.
TELLING = 3.0
# What is listed.
LEAST_LN_BF = math.log(1000.0)
LEAST_INHERITED = 0.9
LEAST_OUTLIER = 1e-9
LEAST = 1e-300
GENOTYPE = np.arange(4)
COPIES = np.array([0, 1, 1, 2])


@dataclass(frozen=True)
class Shown:
    """What an embryo's reads say. before, after: (N, K), see
    override_kernels.share_messages; likelihood: (N, G); mean: (N,)."""

    before: NDArray[np.float32]
    after: NDArray[np.float32]
    likelihood: Floats
    mean: Floats


@dataclass(frozen=True)
class Expected:
    """What the embryo inherited, by all but its own reads of a site.

    pos_bp: (N,); vectors: (N, V); given: (N, V, G), P(genotype | vector); doubt:
    (2, N), how far the flanks may disagree on a side; beside: (2, 2, N), see
    family_evidence.switch_beside; ln_turned: (2, N), ln Bayes factor of the siblings'
    reads for the parent's other order; known: the sides of known parents.
    """

    pos_bp: Whole
    vectors: Floats
    given: Floats
    doubt: Floats
    beside: Floats
    ln_turned: Floats
    known: tuple[int, ...]

    @property
    def inherited(self) -> Floats:
        """P(genotype), (N, G)."""
        return np.einsum("nv,nvg->ng", self.vectors, self.given)


@dataclass(frozen=True)
class Side:
    """What was inherited from one known parent.

    number: 0 the mother, 1 the father; bit: of the parent's allele in a genotype, and
    of the haplotype in a vector; sure: (N,), whether it is certain enough; own: (N, G),
    P(genotype) given the best allele of this side; converted: (N,), P(the parent's
    other haplotype has the other allele); doubt: (N,), P(the other allele was
    inherited).
    """

    number: int
    bit: int
    sure: NDArray[np.bool_]
    own: Floats
    converted: Floats
    doubt: Floats

    @property
    def turned(self) -> Floats:
        """`own` with the side's other allele."""
        return np.asarray(self.own[:, GENOTYPE ^ self.bit])


def ordinary(learnt: Amplification) -> Amplification:
    """What was learnt of DNA that was not amplified, for what follows.

    # METHOD: ordinary DNA has both alleles alike everywhere: x is 1/2. A het that lost
    # one is an error like any other, and a tract of such hets is no dropout.
    """
    share_prior = np.zeros(len(learnt.shares))
    share_prior[np.abs(learnt.shares - 0.5).argmin()] = 1.0
    return replace(learnt, share_prior=share_prior)


def read_shares(embryo: Embryo, inherited: Floats) -> Shown:
    """Sum the local share out of an embryo's reads; inherited: (N, G), rows sum to
    one."""
    n_sites, n_shares = len(embryo.reads), len(embryo.share_prior)
    shown = Shown(
        np.empty((n_sites, n_shares), np.float32),
        np.empty((n_sites, n_shares), np.float32),
        np.empty((n_sites, 4)),
        np.empty(n_sites),
    )
    override_kernels.share_messages(
        embryo, inherited, shown.before, shown.after, shown.likelihood, shown.mean
    )
    return shown


def side_of(expected: Expected, inherited: Floats, side: int) -> Side:
    """What was inherited on a side; inherited: (N, G)."""
    bit = 2 >> side
    has_alt = (bit & GENOTYPE) > 0
    alt = inherited[:, has_alt].sum(axis=1)
    is_alt = alt > 0.5
    own = np.where(has_alt[None, :] == is_alt[:, None], inherited, 0.0)
    other = expected.vectors.argmax(axis=1) ^ bit
    of_other = expected.given[np.arange(len(alt)), other][:, has_alt].sum(axis=1)
    doubt = np.where(is_alt, 1.0 - alt, alt)
    return Side(
        side,
        bit,
        doubt <= 1.0 - LEAST_INHERITED,
        own / own.sum(axis=1, keepdims=True),
        np.where(is_alt, 1.0 - of_other, of_other),
        doubt,
    )


def _runs(pos_bp: Whole, ln_bf: Floats, rows: Whole) -> Iterator[Whole]:
    """Stretches of `rows`, hets of one parent, whose telling ones, two or more, all
    tell of the other haplotype."""
    telling = np.flatnonzero(np.abs(ln_bf[rows]) >= TELLING)
    is_other = ln_bf[rows[telling]] > 0
    breaks = is_other[1:] != is_other[:-1]
    breaks |= np.diff(pos_bp[rows[telling]]) > TRACT_GAP_BP
    for run in np.split(telling, np.flatnonzero(breaks) + 1):
        if len(run) > 1 and ln_bf[rows[run[0]]] > 0:
            yield rows[run[0] : run[-1] + 1]


def tracts(
    embryo: Embryo, shown: Shown, expected: Expected
) -> Iterator[list[Override]]:
    """Hets of one parent beside each other that tell of his other haplotype."""
    inherited = expected.inherited
    best = inherited.argmax(axis=1)
    for number in expected.known:
        side = side_of(expected, inherited, number)
        ln_bf = np.log(np.maximum((side.turned * shown.likelihood).sum(axis=1), LEAST))
        ln_bf -= np.log(np.maximum((side.own * shown.likelihood).sum(axis=1), LEAST))
        hets = np.flatnonzero(side.sure & (side.converted >= LEAST_INHERITED))
        for run in _runs(expected.pos_bp, ln_bf, hets):
            if ln_bf[run].sum() <= LEAST_LN_BF:
                continue
            share = explain_tract(embryo, shown, expected, side, run)
            yield [
                Override(
                    s,
                    int(best[s]),
                    float(1.0 - side.doubt[s]),
                    int(best[s]) ^ side.bit,
                    float(ln_bf[s]),
                    tuple(run.tolist()),
                    *share,
                )
                for s in run.tolist()
            ]


def ln_in_a_row(right: Floats, noise: Floats, outlier: float) -> Floats:
    """ln P(reads of neighbouring sites | x), (K,), of which some may be artefacts;
    right: (n, K), of reads that are none; noise: (n,), of those that are."""
    again = max(CLUSTERED, outlier)
    sound = np.full(right.shape[1], 1.0 - outlier)
    found = np.zeros(right.shape[1])
    for good, bad in zip(right, noise, strict=True):
        spoilt = (1.0 - sound) * bad
        sound = sound * good
        total = sound + spoilt
        found += np.log(total)
        # As probabilities, one site on.
        sound, spoilt = sound / total, spoilt / total
        sound = (1.0 - outlier) * sound + (1.0 - again) * spoilt
    return found


def explain_tract(
    embryo: Embryo, shown: Shown, expected: Expected, side: Side, run: Whole
) -> tuple[float, float, float, float]:
    """Posterior of artefact, conversion, mutation and parents for a whole tract, the
    hets `run` of one side.

    # METHOD: a tract is shorter than an amplicon, so that x is one over all of it; what
    # the sites outside say of x weights it.
    """
    weight = shown.before[run[0]].astype(np.float64) * shown.after[run[-1]]
    weight /= weight.sum()
    found = np.empty((4, len(weight)))
    own, other = np.empty((2, len(run), len(weight)))
    noise = np.empty(len(run))
    for i, s in enumerate(run.tolist()):
        noise[i] = override_kernels.site_likelihood(embryo, s, found)
        own[i], other[i] = side.own[s] @ found, side.turned[s] @ found
    doubt = side.doubt[run, None]
    ln = np.stack(
        [
            ln_in_a_row(right, noise, embryo.outlier)
            for right in ((1 - doubt) * own, other, (1 - doubt) * own + doubt * other)
        ]
    )
    ln, weight = ln[:, weight > 0], weight[weight > 0]
    stands, event, either = (np.exp(ln - ln.max()) @ weight).tolist()
    first, last, number = run[0], run[-1], side.number
    span = float(expected.pos_bp[last] - expected.pos_bp[first])
    # The phase estimate may stand the other way round over the whole tract: the
    # siblings' reads tell. Or the flanks do not.
    block = float(expected.beside[number, 0, first] * expected.beside[number, 1, last])
    block *= math.exp(min(0.0, float(expected.ln_turned[number, run].sum())))
    block += float(expected.doubt[number, run].max())
    weights = np.array(
        [
            stands,
            CONVERSION * event / (1.0 + span / TRACT_BP) ** 2,
            0.0,
            max(either - stands, 0.0) + block * event,
        ]
    )
    artefact, conversion, mutation, parents = (weights / weights.sum()).tolist()
    return artefact, conversion, mutation, parents


@dataclass(frozen=True)
class Priors:
    """Of each genotype, (N, G): inherited; by one conversion or mutation; same: whether
    it contradicts nothing. sure: (N,)."""

    inherited: Floats
    conversion: Floats
    mutation: Floats
    same: NDArray[np.bool_]
    sure: NDArray[np.bool_]


def priors_of(expected: Expected) -> Priors:
    """What single sites may be. Where a parent is unknown nothing but the other one's
    allele is contradicted; of two known ones reads tell no more than copies."""
    inherited = expected.inherited
    best = inherited.argmax(axis=1)[:, None]
    sides = [side_of(expected, inherited, number) for number in expected.known]
    conversion, mutation = np.zeros_like(inherited), np.zeros_like(inherited)
    same = COPIES[None, :] == COPIES[best]
    if len(sides) == 1:
        same = ((GENOTYPE[None, :] ^ best) & sides[0].bit) == 0
    for number, side in zip(expected.known, sides, strict=True):
        moved = np.where(same, 0.0, inherited[:, GENOTYPE ^ side.bit])
        conversion += CONVERSION * side.converted[:, None] * moved
        mutation += MUTATION * SHARES[number] * moved
    sure = np.all([side.sure for side in sides], axis=0)
    return Priors(inherited, conversion, mutation, same, sure)


def singles(embryo: Embryo, shown: Shown, expected: Expected) -> Iterator[Override]:
    """Contradictions of single sites."""
    priors, likelihood = priors_of(expected), shown.likelihood
    inherited, same = priors.inherited, priors.same
    rows, best = np.arange(len(inherited)), inherited.argmax(axis=1)
    kept = np.where(same, inherited, 0.0)
    other = np.where(same, 0.0, inherited)
    alternative = ((other + priors.conversion + priors.mutation) * likelihood).argmax(1)
    of_kept = (kept * likelihood).sum(axis=1) / kept.sum(axis=1)
    if len(expected.known) == 1:  # whatever allele the donor gave
        of_kept = np.where(same, likelihood, 0.0).max(axis=1)
    ln_bf = np.log(np.maximum(likelihood[rows, alternative], LEAST))
    ln_bf -= np.log(np.maximum(of_kept, LEAST))
    for s in np.flatnonzero(priors.sure & (ln_bf > LEAST_LN_BF)).tolist():
        real, reads = 1.0 - embryo.outlier, likelihood[s]
        weights = np.array(
            [
                real * kept[s] @ reads + embryo.outlier * shown.mean[s],
                real * priors.conversion[s] @ reads,
                real * priors.mutation[s] @ reads,
                real * other[s] @ reads,
            ]
        )
        yield Override(
            s,
            int(best[s]),
            float(kept[s].sum()),
            int(alternative[s]),
            float(ln_bf[s]),
            (),
            *(weights / weights.sum()).tolist(),
        )


def contradictions(embryo: Embryo, shown: Shown, expected: Expected) -> list[Override]:
    """All contradictions of an embryo by site; tracts stand for their single sites.

    What the doubt of the parents explains is none: the correction has it already.
    """
    found = {one.site: one for one in singles(embryo, shown, expected)}
    for tract in tracts(embryo, shown, expected):
        found.update((one.site, one) for one in tract)
    return [found[site] for site in sorted(found) if found[site].parents < LEAST_EVENT]
