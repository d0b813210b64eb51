"""Where the real data for tests lie; they are not in the repository.

MORULA_SHARED_DATA names the folder; without it, ../shared/data beside the checkout.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from run_workflow import REPOSITORY

DATA = Path(os.environ.get("MORULA_SHARED_DATA", REPOSITORY.parent / "shared/data"))


def needs(*names: str) -> pytest.MarkDecorator:
    """Skip with a reason where one of the files or folders of DATA is absent."""
    absent = [str(DATA / name) for name in names if not (DATA / name).exists()]
    reason = f"no real data: absent are {', '.join(absent)} (set MORULA_SHARED_DATA)"
    return pytest.mark.skipif(bool(absent), reason=reason)
