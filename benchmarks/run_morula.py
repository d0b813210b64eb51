"""Run Morula's correct and impute stages on a case of the benchmark."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bench.peers import command, morula_stages


def main(argv: Sequence[str] | None = None) -> int:
    parser = command.parser(__doc__)
    add = parser.add_argument
    add("--family-sites", required=True, help=".npz of prepare_family.py")
    add("--phased", required=True, help="BCF of phase_parents.py")
    add("--counts", nargs="+", required=True, help="BCF of each embryo of the case")
    add("--child-counts", nargs="*", default=[], help="BCF of each born child")
    add("--imputed-parents", required=True, help="BCF of impute_parents.py")
    add("--map", required=True, help="sex-averaged, PLINK format")
    add("--mother", help="her name; left out for a donor")
    add("--father", help="his name; left out for a donor")
    add("--amplification", required=True, help="a row of resources/amplification.tsv")
    add("--cells", type=int, help="cells in the biopsy, where known")
    add("--seed", type=int, default=1)
    add("--array", action="store_true", help="the counts are what arrays show")
    add("--threads", type=int, default=1)
    args = parser.parse_args(argv)
    return command.run_method(
        [args.case],
        [args.output],
        lambda case, folder: morula_stages.infer(case, args, folder),
    )


if __name__ == "__main__":
    sys.exit(main())
