"""Base qualities of a sequencer: how they decay along the read, and what they mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# METHOD: qualities come from three bins, as current Illumina machines report them, and
# mean what they say: a base of quality Q is wrong with probability 10^(-Q/10).
QUALITIES = np.array([11, 25, 37])
WRONG = 10.0 ** (-QUALITIES / 10.0)
# For each base in the lowest bin, this many in the middle one.
_MIDDLE_PER_LOW = 2.5
# The two lower bins grow along the read, from this part of their mean to 2 minus it.
_START_OF_RAMP = 0.3


def error_rate_limits() -> tuple[float, float]:
    """Smallest and largest mean error rate that the quality bins can express."""
    steepest = (2.0 - _START_OF_RAMP) * (1.0 + _MIDDLE_PER_LOW)
    return float(WRONG[2]), float(WRONG[2] + _slope() / steepest)


def _slope() -> float:
    """Mean error rate gained per share of bases in the lowest bin."""
    low, middle, high = WRONG
    return float(low + _MIDDLE_PER_LOW * middle - (1.0 + _MIDDLE_PER_LOW) * high)


def quality_shares(error_rate: float, read_length: int) -> NDArray[np.float64]:
    """Share of each quality bin at each cycle, float64 (R, 3), low to high quality.

    The mean over cycles of the expected error is `error_rate`. Raises ValueError
    when the bins cannot express it.
    """
    smallest, largest = error_rate_limits()
    if not smallest <= error_rate <= largest:
        raise ValueError(
            f"error rate {error_rate}: expected {smallest:.5f} to {largest:.5f}"
        )
    ramp = np.linspace(_START_OF_RAMP, 2.0 - _START_OF_RAMP, read_length)
    low = (error_rate - WRONG[2]) / _slope() * ramp
    return np.column_stack(
        [low, _MIDDLE_PER_LOW * low, 1 - (1 + _MIDDLE_PER_LOW) * low]
    )
