"""Pack the haplotypes of the panel of one chromosome into bits."""

from __future__ import annotations

import argparse
import logging
import sys

from morula import panel_bits
from morula.cli import run

logger = logging.getLogger("pack_panel")


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panel", required=True, help="BCF of prepare_panel")
    parser.add_argument("--chrom", required=True)
    parser.add_argument("--output", required=True, help=".npz, see morula.panel_bits")
    return parser.parse_args(argv)


def work(args: argparse.Namespace) -> None:
    panel = panel_bits.read_bcf(args.panel, args.chrom)
    panel_bits.save(args.output, panel)
    logger.info("%d sites, %d haplotypes", *panel.shape)


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return run(lambda: work(args))


if __name__ == "__main__":
    sys.exit(main())
