"""simulate_population: a world with all its files, the same for the same seed."""

import subprocess
from pathlib import Path

import pytest

from simulated_family import digest, make_population


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("world")
    make_population(directory)
    return directory


def test_world_has_all_files_and_repeats(world, tmp_path):
    make_population(tmp_path)
    names = sorted(p.relative_to(world) for p in world.rglob("*") if p.is_file())
    assert {str(name) for name in names} >= {
        "genome.fa",
        "genome.fa.fai",
        "panel.samples.tsv",
        "panel/chr22.bcf",
        "panel/chr22.bcf.csi",
        "founders.chr21.bcf",
        "maps/chr21.female.map",
        "scores/height.txt.gz",
        "scores/t2d.txt.gz",
        "scores/breast_cancer.txt.gz",
    }
    for name in names:
        assert digest(world / name) == digest(tmp_path / name), name


def test_panel_is_as_bcftools_norm_wants_it(world):
    command = ["bcftools", "norm", "-c", "e", "-f", str(world / "genome.fa")]
    path = str(world / "panel/chr21.bcf")
    done = subprocess.run(
        [*command, path, "-Ou", "-o", "/dev/null"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    total, split, realigned, _ = done.stderr.split(":")[1].split()[0].split("/")
    assert int(total) > 200
    assert (split, realigned) == ("0", "0")
