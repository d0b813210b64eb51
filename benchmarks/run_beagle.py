"""Impute the called genotypes of a case of the benchmark with Beagle."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bench.peers import beagle, command


def main(argv: Sequence[str] | None = None) -> int:
    parser = command.parser(__doc__)
    parser.add_argument("--panel", required=True, help="phased BCF")
    parser.add_argument("--map", required=True, help="sex-averaged, PLINK format")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--memory-mb", type=int, default=3000, help="Java's heap")
    parser.add_argument("--read-error", type=float, default=0.005)
    # METHOD: of 3, 6, 10, 13, 20 and 30, ten does best over 30x, 1x and 0.1x together
    # (real couples): less lets in hets that one read shows as hom, more leaves too
    # little at 1x to impute from.
    parser.add_argument(
        "--min-quality", type=float, default=10, help="of a call to be given, Phred"
    )
    args = parser.parse_args(argv)
    return command.run_method(
        [args.case],
        [args.output],
        lambda case, folder: beagle.infer(
            case, args, args.min_quality, args.read_error, folder
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
