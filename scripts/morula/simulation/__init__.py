"""Simulated worlds, families and amplified reads with known truth."""
