"""Have the PGS Catalog's files of the traits' scores in the cache."""

from __future__ import annotations

import argparse
import hashlib
import logging
import sys
from collections.abc import Sequence

from morula import pgs_catalog
from morula.cli import run
from morula.tables import write_tsv

logger = logging.getLogger("fetch_scores")


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line of the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pgs-ids", nargs="+", required=True)
    parser.add_argument("--build", required=True, choices=["GRCh37", "GRCh38"])
    parser.add_argument(
        "--url", required=True, help="of the catalog's folder of scores"
    )
    parser.add_argument(
        "--list", required=True, help="output: files and their sums, TSV"
    )
    return parser.parse_args(argv)


def work(args: argparse.Namespace) -> None:
    """Fetch what is not there, and list all."""
    rows = []
    for pgs_id in dict.fromkeys(args.pgs_ids):
        is_new = pgs_catalog.fetch(pgs_id, args.build, args.url)
        path = pgs_catalog.cached_path(pgs_id, args.build)
        logger.info("%s: %s", path, "downloaded" if is_new else "was there")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append({"pgs_id": pgs_id, "path": str(path), "sha256": digest})
    write_tsv(args.list, ["pgs_id", "path", "sha256"], rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
