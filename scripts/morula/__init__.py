"""The library that Morula's scripts share: it knows neither Snakemake nor argparse."""

__version__ = "0.1.0"
