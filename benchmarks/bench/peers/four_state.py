"""The published method: a chain over the four pairs of parental haplotypes.

Each embryo by itself; hidden at every site is which haplotype of the mother and which
of the father it carries. Reads are independent draws from its two alleles, with a
constant error; crossovers follow the female and the male map (Haldane 1919). Nothing is
known of dropout. The kind of model that Kumar et al. 2015 (Genome Medicine 7:35) and
Haploseek (Genetics in Medicine 2021, s41436-021-01145-6) describe; no code of theirs is
public, so this is the kernel of the correct stage without amplification. With a
constant rate of phase switches it is what genepred calls its switch-aware single-embryo
chain (github.com/dawndrain/genetic_prediction).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.case import Case, Result
from bench.peers import ordered, parents
from morula import inheritance
from morula.family_sites import FamilySites
from morula.parental_alleles import Parent, Sites

# METHOD: a certain allele makes a site with foreign reads impossible; one phased allele
# in ten thousand is taken to be wrong, as AlphaPeel takes a genotype to be.
PARENT_ERROR = 1e-4
# METHOD: without amplification both alleles give half of the reads: one grid point.
SHARES = np.array([0.5])
CERTAIN = np.ones(1)


def parent_of(case: Case, parent: int, switch: float) -> Parent:
    """A parent's haplotypes at the sites of the case, for the chain; switch: see
    `infer`."""
    orders = parents.haplotype_pairs(case, parent, PARENT_ERROR).reshape(-1, 4)
    phased = case.phased[parent]
    is_het = (phased >= 0).all(axis=1) & (phased[:, 0] != phased[:, 1])
    # METHOD: a switch lies somewhere between two hets; nothing between them can tell
    # where, so it is put at the step that ends at the second.
    switches = np.where(is_het, switch, 0.0)
    return Parent(orders, switches, is_het, np.full(len(orders), np.nan))


def family_of(case: Case, switch: float) -> FamilySites:
    """The family's sites, as the chain of the correct stage has them."""
    return FamilySites(
        Sites(case.pos_bp, case.ref, case.alt),
        case.alt_frequency,
        case.cm,
        (parent_of(case, 0, switch), parent_of(case, 1, switch)),
        (True, True),
    )


def posterior(
    family: FamilySites, reads: NDArray[np.float64], read_error: float
) -> inheritance.Posterior:
    """Posterior of one embryo; reads: (L, 2), showing REF and ALT."""
    mother, father = family.parents
    n_sites = len(reads)
    chain = inheritance.Chain(
        reads,
        np.zeros(n_sites, dtype=np.int64),
        mother.alleles,
        father.alleles,
        family.flip(0),
        family.flip(1),
        np.ones(n_sites),
    )
    error = np.array([read_error])
    alt_template = inheritance.alt_template_share(SHARES)[None]
    table = inheritance.read_table(alt_template, error, error)
    filtered = inheritance.forward(chain, CERTAIN, table)
    return inheritance.backward(chain, filtered, CERTAIN, SHARES, table)


def infer(case: Case, switch: float, read_error: float) -> Result:
    """Genotypes and haplotypes of every embryo.

    switch: P(the phase estimate switches) between two neighbouring hets of a parent, 0
    for the plain method; read_error: P(a read shows the other allele).
    """
    family = family_of(case, switch)
    found = [
        posterior(family, counts.astype(np.float64), read_error)
        for counts in case.counts
    ]
    name = f"four-state chain, switch {switch:g}" if switch else "four-state chain"
    return ordered.result(
        name,
        np.stack([one.genotypes for one in found]),
        np.stack([one.vectors for one in found]),
    )
