"""What correction knows of a father at sites of which males have one copy.

Both of his haplotypes are his one X there: his orders are 00 or 11, he is never
heterozygous, and his phase does not matter. Shapes: L sites, as in parental_alleles.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from morula.parental_alleles import Haplotypes, Parent


def _orders(alt: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(order), (L, 4), of one X that carries ALT with probability alt (L,)."""
    none = np.zeros_like(alt)
    return np.stack([1.0 - alt, none, none, alt], axis=1)


def _with_orders(
    parent: Parent, is_single: NDArray[np.bool_], alt: NDArray[np.float64]
) -> Parent:
    """`parent` with P(ALT) of his X, (L,), at the sites of one copy."""
    orders = np.where(is_single[:, None], _orders(alt), parent.orders)
    return replace(
        parent,
        orders=orders,
        switch=np.where(is_single, 0.0, parent.switch),
        is_phased_het=parent.is_phased_het & ~is_single,
    )


def of_one_x(
    father: Parent,
    is_single: NDArray[np.bool_],
    likelihoods: NDArray[np.float64],
    haplotypes: Haplotypes,
    frequency: NDArray[np.float64],
    error: float,
) -> Parent:
    """A father, as parental_alleles.parent_of makes him, with one X at `is_single`.

    likelihoods: (L, 3), of his genotypes; haplotypes: as imputed; frequency: (L,), the
    panel's; error: P(his genotype is wrong).
    """
    if not is_single.any():
        return father
    unknown = np.isnan(father.dosage)
    imputed = haplotypes.alt_share.mean(axis=1)
    guessed = (1 - error) * imputed + error * frequency
    prior = np.where(unknown & haplotypes.is_there, guessed, frequency)
    ref, alt = (1 - prior) * likelihoods[:, 0], prior * likelihoods[:, 2]
    posterior = alt / (ref + alt)
    dosage = np.where(posterior > 0.5, 2.0, 0.0)
    found = _with_orders(father, is_single, (1 - error) * posterior + error * frequency)
    dosage = np.where(is_single & ~unknown, dosage, father.dosage)
    return replace(found, dosage=dosage)


def donor_of_one_x(
    donor: Parent, is_single: NDArray[np.bool_], frequency: NDArray[np.float64]
) -> Parent:
    """A father without data: his X carries ALT with the panel's frequency."""
    return _with_orders(donor, is_single, frequency)
