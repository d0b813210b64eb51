"""Call each embryo of a case of the benchmark by itself, with bcftools."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bench.peers import command, single_sample


def main(argv: Sequence[str] | None = None) -> int:
    parser = command.parser(__doc__)
    parser.add_argument("--read-error", type=float, default=0.005)
    args = parser.parse_args(argv)
    return command.run_method(
        [args.case],
        [args.output],
        lambda case, _: single_sample.infer(case, args.read_error),
    )


if __name__ == "__main__":
    sys.exit(main())
