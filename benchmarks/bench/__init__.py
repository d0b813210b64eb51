"""What the benchmark's scripts share: cases, peers, measures, tables and figures.

Importing it makes Morula's scripts and library importable.
"""

import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
if str(SCRIPTS) not in sys.path:
    sys.path.insert(0, str(SCRIPTS))
