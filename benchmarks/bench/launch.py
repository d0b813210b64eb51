"""Run a command and write what it took, for time_methods.py.

    python -S launch.py COST.json COMMAND...

A process of its own, of the standard library alone: on Linux a new process begins with
its parent's resident memory as its own largest, so that a large parent would hide what
a small command needs.
"""

import json
import os
import sys
import time
from pathlib import Path


def main() -> int:
    path, *words = sys.argv[1:]
    began = time.perf_counter()
    child = os.posix_spawnp(words[0], words, os.environ)
    # Adds up the child and those of its own children that it has waited for.
    _, status, usage = os.wait4(child, 0)
    # Linux counts resident memory in kilobytes, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    cost = {
        "wall_s": time.perf_counter() - began,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "max_rss_mb": usage.ru_maxrss * unit / 2**20,
    }
    Path(path).write_text(json.dumps(cost))
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
