"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds.

    The temporary name keeps the suffixes of `path` (`.bcf`, `.tsv.gz`), since many
    writers choose the format by it. Whatever was at `path` stays untouched when the
    block raises. The parent folder is made.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        prefix=".partial-", suffix="-" + target.name, dir=target.parent
    )
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        # mkstemp gives 0600; a result has the permissions of an ordinary new file.
        mask = os.umask(0)
        os.umask(mask)
        partial.chmod(0o666 & ~mask)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
