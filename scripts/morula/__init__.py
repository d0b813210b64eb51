"""The library that Morula's scripts share: importable, tested, free of Snakemake and argparse."""

__version__ = "0.1.0"
