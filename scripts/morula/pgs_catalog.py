"""Scoring files of the PGS Catalog by id: downloaded once, checked, kept in a cache.

The cache is a folder of the working directory that Snakemake does not own, so that a
change of the workflow never fetches a file again, and a file that was put there by hand
(on a machine without network) is as good. Addresses and MD5 sums as in
https://www.pgscatalog.org/downloads/#dl_ftp
"""

from __future__ import annotations

import hashlib
import http.client
import re
import time
import urllib.error
import urllib.request
from pathlib import Path

from morula import scoring_file
from morula.atomic import written_whole
from morula.errors import InputError

PGS_ID = re.compile(r"PGS[0-9]{6}")
CACHE = Path("cache/pgs_catalog")
TIMEOUT_S = 60
# Seconds before each further try of a connection that failed.
WAITS_S = (2.0, 8.0)


def is_id(text: str) -> bool:
    """Whether a cell of the trait sheet is an id and not a path."""
    return PGS_ID.fullmatch(text) is not None


def cached_path(pgs_id: str, build: str) -> Path:
    """Where a score's file, harmonised to `build`, is kept."""
    return CACHE / f"{pgs_id}_hmPOS_{build}.txt.gz"


def address(url: str, path: Path) -> str:
    """Where the catalog at `url` has the file of that name."""
    pgs_id = path.name.partition("_")[0]
    return f"{url.rstrip('/')}/{pgs_id}/ScoringFiles/Harmonized/{path.name}"


def fetch(pgs_id: str, build: str, url: str) -> bool:
    """Have a score's file in the cache; whether it was downloaded now.

    Raises InputError when the catalog has no such score or cannot be reached, and when
    the file is cut off, of another score or of another build. What is refused after a
    download is not kept.
    """
    path = cached_path(pgs_id, build)
    if path.exists():
        fix = "remove the file, and it is downloaded again"
        _check(path, pgs_id, build, str(path), fix)
        return False
    source = address(url, path)
    content = _download(source, path)
    _check_sum(source, path, content)
    with written_whole(path) as partial:
        partial.write_bytes(content)
        fix = "run again, or correct score.catalog_url in the config"
        _check(partial, pgs_id, build, source, fix)
    return True


def _check(path: Path, pgs_id: str, build: str, name: str, fix: str) -> None:
    """Raise InputError unless a file is whole, and of that score and build; name, fix:
    what the message calls the file, and what it says is to be done."""
    try:
        header = scoring_file.read_header(path)
    except InputError as error:
        reason = str(error).removeprefix(f"{path}: ")
        raise InputError(f"{name}: {reason}") from None
    found = {
        "pgs_id": header.get("pgs_id", ""),
        "HmPOS_build": scoring_file.canonical_build(header.get("hmpos_build", "")),
    }
    for key, wanted in (("pgs_id", pgs_id), ("HmPOS_build", build)):
        if found[key] != wanted:
            raise InputError(
                f"{name}: found #{key}={found[key] or 'none'}; expected {wanted}: {fix}"
            )


def _download(source: str, path: Path) -> bytes:
    """The bytes at `source`; a lost connection is tried again."""
    reason: Exception | None = None
    for wait in (0.0, *WAITS_S):
        time.sleep(wait)
        try:
            return _read(source)
        except urllib.error.HTTPError as error:
            if error.code == http.client.NOT_FOUND:
                raise InputError(
                    f"{source}: not there; expected the file of a score of the PGS"
                    " Catalog: correct the id in the traits sheet, or"
                    " score.catalog_url in the config"
                ) from None
            reason = error
        except (OSError, http.client.HTTPException) as error:
            reason = error
    raise InputError(
        f"{source}: cannot be downloaded ({reason}). Without network, download it"
        f" elsewhere and put it at {path}; or name a file of your own as scoring_file"
        " in the traits sheet"
    )


def _read(source: str) -> bytes:
    request = urllib.request.Request(source, headers={"User-Agent": "morula"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            content: bytes = answer.read()
    except urllib.error.HTTPError as error:
        # It is the answer, too, and holds the connection.
        error.close()
        raise
    return content


def _check_sum(source: str, path: Path, content: bytes) -> None:
    """Compare with the MD5 sum that the catalog keeps beside the file, if it does."""
    try:
        expected = _read(f"{source}.md5").split()[0].decode().lower()
    except (OSError, http.client.HTTPException, IndexError, UnicodeDecodeError):
        return
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != expected:
        raise InputError(
            f"{source}: MD5 sum {found}; expected {expected}, as {path.name}.md5 says:"
            " it came damaged; run again"
        )
