"""Run AlphaPeel on cases of the benchmark, all in one process: it compiles once."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bench.peers import alphapeel, command


def main(argv: Sequence[str] | None = None) -> int:
    parser = command.parser(__doc__, several=True)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args(argv)
    return command.run_method(
        args.case,
        args.output,
        lambda case, folder: alphapeel.infer(case, args.threads, folder),
    )


if __name__ == "__main__":
    sys.exit(main())
