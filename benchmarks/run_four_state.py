"""Run the published four-state chain on a case of the benchmark."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bench.peers import command, four_state


def main(argv: Sequence[str] | None = None) -> int:
    parser = command.parser(__doc__)
    parser.add_argument(
        "--switch",
        type=float,
        default=0.0,
        help="P(phase switch) between neighbouring hets; 0: the plain method",
    )
    parser.add_argument("--read-error", type=float, default=0.005)
    args = parser.parse_args(argv)
    return command.run_method(
        [args.case],
        [args.output],
        lambda case, _: four_state.infer(case, args.switch, args.read_error),
    )


if __name__ == "__main__":
    sys.exit(main())
