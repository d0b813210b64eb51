"""What a method says of an embryo's amplification, against what the simulator did; and
the verdict that it gives."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.case import Case, Result
from bench.truth import ALL, EVERY_EMBRYO, Row

ESTIMATES = ("dropout", "error", "contamination")
VERDICTS = ("pass", "warn", "fail")


def estimate_rows(case: Case, result: Result) -> Iterator[Row]:
    """Estimate and truth of each embryo, bias and root mean squared error over them."""
    for name in ESTIMATES:
        true = getattr(case, f"true_{name}")
        found = getattr(result, name)
        both = np.isfinite(true) & np.isfinite(found)
        if not both.any():
            continue
        for row in np.flatnonzero(both):
            embryo = str(case.embryos[row])
            yield Row(embryo, f"{name}_true", ALL, float(true[row]), 1)
            yield Row(embryo, f"{name}_estimated", ALL, float(found[row]), 1)
        error, n = (found - true)[both], int(both.sum())
        for measure, value in (
            ("true", true[both].mean()),
            ("estimated", found[both].mean()),
            ("bias", error.mean()),
            ("rmse", np.sqrt(np.mean(error**2))),
        ):
            yield Row(EVERY_EMBRYO, f"{name}_{measure}", ALL, float(value), n)


def verdict_rows(case: Case, result: Result) -> Iterator[Row]:
    """Shares of the embryos with each verdict, and each embryo's (1 or 0); also of the
    first alone, the one that a scenario makes odd."""
    given = result.status != ""
    if not given.any():
        return
    for verdict in VERDICTS:
        has = result.status == verdict
        n = int(given.sum())
        share = float(has[given].mean())
        yield Row(EVERY_EMBRYO, f"qc_{verdict}", ALL, share, n)
        if given[0]:
            yield Row(EVERY_EMBRYO, f"qc_{verdict}_first", ALL, float(has[0]), 1)
        for row in np.flatnonzero(given):
            embryo = str(case.embryos[row])
            yield Row(embryo, f"qc_{verdict}", ALL, float(has[row]), 1)
