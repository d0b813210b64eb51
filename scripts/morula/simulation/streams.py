"""Random streams: one for each purpose and name, so that none disturbs another."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, *names: str) -> np.random.Generator:
    """A generator that depends on `seed` and `names` alone.

    Two different tuples of names give independent streams: adding a sample or a
    chromosome leaves the others' draws as they were.
    """
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return np.random.default_rng([seed, *words])
