"""Run AlphaPeel on a case of the benchmark."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.case import Case, Result
from bench.peers import alphapeel, command


def main(argv: Sequence[str] | None = None) -> int:
    parser = command.parser(__doc__)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args(argv)

    def infer(case: Case) -> Result:
        with tempfile.TemporaryDirectory(dir=args.output.parent) as folder:
            return alphapeel.infer(case, args.threads, Path(folder))

    return command.run_method(args, infer)


if __name__ == "__main__":
    sys.exit(main())
