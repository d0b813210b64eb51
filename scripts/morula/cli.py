"""What every script's command line does alike: log lines, user errors, exit status."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from morula.errors import InputError


def run(work: Callable[[], None]) -> int:
    """Call `work`; return 0, or 2 after printing an InputError without a traceback."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(name)s: %(message)s"
    )
    try:
        work()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0
