"""Settings that all tests share."""

from __future__ import annotations

import os

# Figures need no screen, and htslib never asks a server for a reference sequence.
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("REF_PATH", ".")
