"""Two haplotypes of a person or an embryo, copied from a panel, from what reads show.

Gibbs sampling after Davies et al. 2021 (QUILT, doi:10.1038/s41588-021-00877-0) and
Rubinacci et al. 2021 (GLIMPSE, doi:10.1038/s41588-020-00756-0): one haplotype is drawn
given the other, by turns, then the order of the heterozygous sites is redrawn
(morula.swap_kernels). What is new: the local share x of an amplified template is drawn
*together* with either haplotype, so that a stretch in which one allele was lost is not
taken for two equal haplotypes.

Shapes: L sites of the panel, N its haplotypes, M sites with evidence, X grid points of
the share, G = 4 ordered genotypes g = 2 m + f (m, f: ALT on haplotypes 1 and 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from morula import copying_kernels as kernels
from morula import state_choice, swap_kernels
from morula.inheritance_kernels import Floats
from morula.panel_bits import PanelBits

# METHOD: as in GLIMPSE2 and Beagle 5, recombination in the panel's past is that of
# 100,000 people of effective size; measured best of 30,000-300,000 on 250 Europeans.
EFFECTIVE_SIZE = 100_000.0
# Sites whose likelihoods differ by less tell nothing.
LEAST_EVIDENCE = 1e-6
LEAST_EMISSION = 1e-30


@dataclass(frozen=True)
class Copying:
    """error: P(a haplotype carries another allele than the one it copies); swap_error:
    the same while the order of heterozygous sites is redrawn; burn_in: sweeps left out;
    sweeps: sweeps that count; core_cm, buffer_cm: chromosomes are worked on in windows
    of the one, with the other on both sides; max_states: of a larger panel as many
    haplotypes are copied, chosen anew in every sweep."""

    error: float = 1e-4
    swap_error: float = 1e-3
    burn_in: int = 5
    sweeps: int = 10
    core_cm: float = 4.0
    buffer_cm: float = 0.5
    max_states: int = 600


# METHOD: the share makes a window's memory several times larger, and mixing slower.
AMPLIFIED = Copying(burn_in=8, sweeps=20, core_cm=2.0)


@dataclass(frozen=True)
class Evidence:
    """likelihood: (L, G, X), of the reads of a site over their maximum; share_prior:
    (X,); stay: (L,), P(the share stays) in the step that ends at the site."""

    likelihood: Floats
    share_prior: Floats
    stay: Floats

    def at(self, sites: slice) -> Evidence:
        """The evidence of some sites."""
        return Evidence(self.likelihood[sites], self.share_prior, self.stay[sites])

    def telling(self) -> NDArray[np.bool_]:
        """Sites, (L,), whose likelihoods tell genotypes apart."""
        flat = self.likelihood.reshape(len(self.likelihood), -1)
        return np.asarray(np.ptp(flat, axis=1) > LEAST_EVIDENCE)


def of_likelihoods(likelihoods: Floats) -> Evidence:
    """Evidence of ordinary DNA: likelihoods (L, 3), for 0, 1, 2 ALT copies, linear."""
    best = likelihoods.max(axis=1, keepdims=True)
    ordered = (likelihoods / best)[:, [0, 1, 1, 2], None]
    return Evidence(ordered, np.ones(1), np.ones(len(likelihoods)))


def of_reads(
    reads: Floats,
    ln_read: Floats,
    site_class: NDArray[np.int64],
    share_prior: Floats,
    stay: Floats,
    outlier: float,
) -> Evidence:
    """Evidence of amplified DNA. reads: (L, 2), showing REF and ALT; ln_read: (C, G, X,
    2), see inheritance.read_table; site_class: (L,); stay: (L,); outlier: P(reads of a
    site come from any genotype), as in embryo_kernels."""
    found = np.zeros((len(reads), *ln_read.shape[1:3]))
    for allele in range(2):
        found += reads[:, allele, None, None] * ln_read[site_class, ..., allele]
    found = np.exp(found - found.max(axis=(1, 2), keepdims=True))
    mean = (found @ share_prior).mean(axis=1)[:, None, None]
    return Evidence((1.0 - outlier) * found + outlier * mean, share_prior, stay)


@dataclass(frozen=True)
class Imputed:
    """genotypes: float64 (L, 3), P(0, 1, 2 ALT copies); haplotypes: uint8 (S, L, 2),
    joint draws, one of each sweep that counts, sites between evidence filled in."""

    genotypes: Floats
    haplotypes: NDArray[np.uint8]

    @property
    def ordered(self) -> Floats:
        """P(2 m + f), (L, 4), the order of a het as in the last draw; which haplotype
        is the maternal one is not known."""
        none, one, two = self.genotypes.T
        last = self.haplotypes[-1].astype(np.int64)
        first = np.where(last[:, 0] == last[:, 1], 0.5, last[:, 0])
        return np.stack([none, one * (1.0 - first), one * first, two], axis=1)

    @property
    def dosage(self) -> Floats:
        """Expected ALT copies, (L,)."""
        return np.asarray(self.genotypes[:, 1] + 2.0 * self.genotypes[:, 2])


def recombination(place_cm: Floats, n_panel: int) -> Floats:
    """P(another haplotype of the panel is copied) in the step that ends at each site,
    (M,), by Li and Stephens: rho = 4 Ne d / N, d in Morgans."""
    gap = np.diff(place_cm, prepend=place_cm[:1])
    return np.asarray(-np.expm1(-0.04 * EFFECTIVE_SIZE * gap / n_panel))


class Window:
    """Gibbs sampler of the two haplotypes in one window of the panel."""

    def __init__(
        self,
        alleles: NDArray[np.uint8],
        place_cm: Floats,
        evidence: Evidence,
        n_panel: int,
        how: Copying,
        rng: np.random.Generator,
    ) -> None:
        self._panel, self._place, self._how, self._rng = alleles, place_cm, how, rng
        n_states = min(alleles.shape[1], how.max_states)
        # At first some from all over the panel.
        even = np.linspace(0, alleles.shape[1] - 1, n_states).astype(np.int64)
        self._alleles = np.ascontiguousarray(alleles[:, even])
        frequency = alleles.mean(axis=1)
        varies = (frequency > 0.0) & (frequency < 1.0)
        self._rows = np.flatnonzero(evidence.telling() & varies)
        self._prior = evidence.share_prior.astype(np.float32)
        rows = self._rows
        self._likelihood = evidence.likelihood[rows]
        self._rec = recombination(place_cm[rows], n_panel)
        with np.errstate(divide="ignore"):
            ln_stay = np.log(evidence.stay)
        passed = np.cumsum(ln_stay)[rows]
        self._stay = np.exp(np.diff(passed, prepend=passed[:1]))
        shape = (len(rows), len(self._prior), n_states)
        self._filtered = np.empty(shape, dtype=np.float32)
        self._room = np.empty((2, shape[0], shape[2]), dtype=np.float32)
        self._carried = np.zeros((2, len(rows)), dtype=np.uint8)
        self._states = np.zeros((2, len(rows)), dtype=np.int64)
        self._other = np.repeat(frequency[None, rows], 2, axis=0)

    def run(self) -> Imputed:
        """All sweeps."""
        how, n_sites = self._how, len(self._alleles)
        total = np.zeros((n_sites, 3))
        draws = np.empty((how.sweeps, n_sites, 2), dtype=np.uint8)
        alt = np.repeat(self._panel.mean(axis=1)[:, None], 2, axis=1)
        for sweep in range(how.burn_in + how.sweeps):
            counts = sweep >= how.burn_in
            if len(self._rows):
                for side in range(2):
                    self._haplotype(side, alt[:, side] if counts else None)
            if counts:
                m, f = alt[:, 0], alt[:, 1]
                total[:, 0] += (1.0 - m) * (1.0 - f)
                total[:, 1] += m * (1.0 - f) + f * (1.0 - m)
                total[:, 2] += m * f
                draws[sweep - how.burn_in] = self._drawn(alt)
            if len(self._rows):
                self._choose(self._drawn(alt))
                self._exchange()
        return Imputed(total / how.sweeps, draws)

    def redraw(self, before: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
        """One round from the haplotypes `before`, (L, 2), if there are any, without a
        change of their order; returns the alleles that are copied, uint8 (L, 2)."""
        if not len(self._rows):
            return (self._panel.mean(axis=1)[:, None] > np.full(2, 0.5)).astype(
                np.uint8
            )
        if before is not None:
            self._other[:] = before[self._rows].T
            self._choose(before)
        for side in range(2):
            self._haplotype(side, None)
        return self._copied()

    def _choose(self, drawn: NDArray[np.uint8]) -> None:
        """Choose the copied haplotypes anew by the two as they stand, (L, 2)."""
        if self._panel.shape[1] > self._alleles.shape[1]:
            n_states = self._alleles.shape[1]
            chosen = state_choice.choose(self._panel, drawn, n_states)
            self._alleles = np.ascontiguousarray(self._panel[:, chosen])

    def _drawn(self, alt: Floats) -> NDArray[np.uint8]:
        """The haplotypes as they stand, (L, 2); between sites with evidence those that
        are copied at the nearer one."""
        if not len(self._rows):
            return (self._rng.random(alt.shape) < alt).astype(np.uint8)
        found = self._copied()
        found[self._rows] = self._carried.T
        return found

    def _copied(self) -> NDArray[np.uint8]:
        """Alleles of the copied haplotypes, (L, 2); between sites with evidence of
        those at the nearer one."""
        middle = (self._place[self._rows[1:]] + self._place[self._rows[:-1]]) / 2.0
        near = np.searchsorted(middle, self._place)
        sites = np.arange(len(self._place))[:, None]
        return np.asarray(self._alleles[sites, self._states[:, near].T])

    def _emission(self, side: int) -> Floats:
        """Likelihood (M, X, 2) of either allele on `side` given the other haplotype."""
        alt = self._other[1 - side][:, None]
        found = np.empty((*self._likelihood.shape[::2], 2))
        for allele in range(2):
            ref, both = ((2 * allele, 2 * allele + 1), (allele, 2 + allele))[side]
            found[..., allele] = (1.0 - alt) * self._likelihood[:, ref]
            found[..., allele] += alt * self._likelihood[:, both]
        return np.asarray(found / found.max(axis=(1, 2), keepdims=True))

    def _haplotype(self, side: int, alt: Floats | None) -> None:
        """Redraw one haplotype and the shares; fills alt, (L,), where it is given."""
        error, sites = self._how.error, np.arange(len(self._rows))
        given = np.maximum(self._emission(side), LEAST_EMISSION)
        copied = (1.0 - error) * given + error * given[..., ::-1]
        emission = copied.astype(np.float32)
        # P(the haplotype carries ALT | share, allele of z).
        own = np.stack([error * given[..., 1], (1.0 - error) * given[..., 1]], axis=-1)
        own /= copied
        panel, chain = (self._alleles, self._rows), (self._rec, self._stay)
        kernels.forward(*panel, *chain, self._prior, emission, self._filtered)
        states, shares = self._states[side], np.empty(len(sites), dtype=np.int64)
        kernels.sample(self._filtered, *chain, self._prior, self._rng, states, shares)
        chance = own[sites, shares, self._alleles[self._rows, states]]
        self._carried[side] = self._rng.random(len(sites)) < chance
        self._other[side] = self._carried[side]
        if alt is not None:
            kernels.smooth(
                *panel,
                *chain,
                self._prior,
                emission,
                own.astype(np.float32),
                self._filtered,
                self._place,
                alt,
            )
            rest = np.ones(len(alt), dtype=bool)
            rest[self._rows] = False
            alt[rest] = (1.0 - error) * alt[rest] + error * (1.0 - alt[rest])
            np.clip(alt, 0.0, 1.0, out=alt)

    def _exchange(self) -> None:
        swap_kernels.exchange(
            self._alleles,
            self._rows,
            self._rec,
            self._carried,
            self._how.swap_error,
            self._rng,
            self._room,
        )
        self._other[:] = self._carried


def windows(
    place_cm: Floats, core_cm: float, buffer_cm: float
) -> list[tuple[slice, slice]]:
    """Cores, which cover all sites, and each with its buffers; place_cm: (L,)."""
    n_cores = max(1, round((place_cm[-1] - place_cm[0]) / core_cm))
    edges = np.linspace(place_cm[0], place_cm[-1], n_cores + 1)
    cuts = np.searchsorted(place_cm, edges[1:-1])
    found = []
    for first, last in zip([0, *cuts], [*cuts, len(place_cm)], strict=True):
        if last > first:
            left, right = place_cm[first] - buffer_cm, place_cm[last - 1] + buffer_cm
            whole = slice(
                int(np.searchsorted(place_cm, left)),
                int(np.searchsorted(place_cm, right, side="right")),
            )
            found.append((slice(int(first), int(last)), whole))
    return found


def impute(
    alleles: NDArray[np.uint8] | PanelBits,
    place_cm: Floats,
    evidence: Evidence,
    how: Copying,
    rng: np.random.Generator,
) -> Imputed:
    """Genotypes and haplotypes at all sites of the panel.

    alleles: uint8 (L, N), 1 where ALT; place_cm: (L,), rising; both in the order of the
    evidence. Memory is that of a window: M K (X + 2) single-precision numbers
    for K states.
    """
    n_sites, n_panel = alleles.shape
    genotypes = np.empty((n_sites, 3))
    haplotypes = np.empty((how.sweeps, n_sites, 2), dtype=np.uint8)
    done = 0
    for core, whole in windows(place_cm, how.core_cm, how.buffer_cm):
        part = np.ascontiguousarray(alleles[whole])
        window = Window(part, place_cm[whole], evidence.at(whole), n_panel, how, rng)
        found = window.run()
        inside = slice(core.start - whole.start, core.stop - whole.start)
        genotypes[core] = found.genotypes[inside]
        # Which of the two is the first is arbitrary in a window: as in the overlap.
        ahead = slice(whole.start, done)
        for draw, drawn in zip(haplotypes, found.haplotypes, strict=True):
            shared = draw[ahead], drawn[: done - whole.start]
            same, turned = (
                (shared[0] == shared[1]).sum(),
                (shared[0] == shared[1][:, ::-1]).sum(),
            )
            draw[core] = drawn[inside, ::-1] if turned > same else drawn[inside]
        done = core.stop
    return Imputed(genotypes, haplotypes)
