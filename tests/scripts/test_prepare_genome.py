"""prepare_genome and index_genome: links, decompression, reuse of an index."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import index_genome
import prepare_genome
from morula.reference import contigs_of, read_dictionary

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("bwa", "samtools")),
    reason="bwa and samtools are not on the PATH",
)


def fasta_text(seed: int = 1) -> str:
    rng = np.random.default_rng(seed)
    chrom = "".join(rng.choice(list("ACGT"), 3000))
    return f">chr1 first\n{chrom[:2000]}\n>chr2\n{chrom[2000:]}\n"


class Place:
    def __init__(self, folder: Path) -> None:
        self.user = folder / "user"
        self.user.mkdir()
        self.genome = folder / "results/reference/genome.fa"
        self.dictionary = folder / "results/reference/genome.dict"

    def prepare(self, fasta: Path, *chromosomes: str) -> int:
        return prepare_genome.main(
            ["--fasta", str(fasta), "--chromosomes", *(chromosomes or ("chr1",))]
            + ["--genome", str(self.genome), "--fai", f"{self.genome}.fai"]
            + ["--dictionary", str(self.dictionary)]
        )

    def index(self, fasta: Path) -> int:
        return index_genome.main(
            ["--fasta", str(fasta), "--genome", str(self.genome)]
            + ["--dictionary", str(self.dictionary)]
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


class TestGenome:
    def test_plain_is_linked(self, place: Place) -> None:
        fasta = place.user / "ref.fa"
        fasta.write_text(fasta_text())
        assert place.prepare(fasta, "chr1", "chr2") == 0
        assert place.genome.is_symlink()
        assert place.genome.read_text() == fasta_text()
        contigs = contigs_of(read_dictionary(place.dictionary))
        assert contigs == {"chr1": 2000, "chr2": 1000}
        assert Path(f"{place.genome}.fai").read_text().startswith("chr1\t2000\t")
        assert list(place.user.iterdir()) == [fasta]

    def test_gzip_and_bgzip_are_decompressed(self, place: Place) -> None:
        plain = place.user / "plain.fa"
        plain.write_text(fasta_text())
        packed = place.user / "ref.fa.gz"
        packed.write_bytes(gzip.compress(fasta_text().encode()))
        blocked = place.user / "blocked.fa.gz"
        bgzip = subprocess.run(
            ["bgzip", "-c", str(plain)], check=True, capture_output=True
        )
        blocked.write_bytes(bgzip.stdout)
        for fasta in (packed, blocked):
            assert place.prepare(fasta) == 0
            assert not place.genome.is_symlink()
            assert place.genome.read_text() == fasta_text()

    def test_refusals(self, place: Place, capfd) -> None:
        fasta = place.user / "ref.fa"
        assert place.prepare(fasta) == 2
        assert "ref.fa: no such file" in capfd.readouterr().err
        fasta.write_text("ACGT\n")
        assert place.prepare(fasta) == 2
        assert "expected FASTA" in capfd.readouterr().err
        fasta.write_text(fasta_text())
        assert place.prepare(fasta, "1") == 2
        assert "no contig '1'" in capfd.readouterr().err
        packed = place.user / "cut.fa.gz"
        packed.write_bytes(gzip.compress(fasta_text().encode())[:-20])
        assert place.prepare(packed) == 2
        assert "truncated" in capfd.readouterr().err


class TestIndex:
    @pytest.fixture
    def fasta(self, place: Place) -> Path:
        path = place.user / "ref.fa"
        path.write_text(fasta_text())
        assert place.prepare(path) == 0
        return path

    def files(self, place: Place) -> list[Path]:
        return [Path(f"{place.genome}{suffix}") for suffix in index_genome.SUFFIXES]

    def test_made_where_there_is_none(self, place: Place, fasta: Path) -> None:
        assert place.index(fasta) == 0
        assert all(p.is_file() and not p.is_symlink() for p in self.files(place))
        assert list(place.user.iterdir()) == [fasta]
        assert [p for p in place.genome.parent.iterdir() if "work" in p.name] == []

    def test_the_users_own_is_linked(self, place: Place, fasta: Path) -> None:
        subprocess.run(["bwa", "index", str(fasta)], check=True, capture_output=True)
        assert place.index(fasta) == 0
        assert all(path.is_symlink() and path.is_file() for path in self.files(place))

    def test_incomplete_foreign_or_old_ones_are_not(
        self, place: Place, fasta: Path
    ) -> None:
        subprocess.run(["bwa", "index", str(fasta)], check=True, capture_output=True)
        contigs = contigs_of(read_dictionary(place.dictionary))
        assert index_genome.find_index(fasta, contigs) == fasta
        assert index_genome.find_index(fasta, contigs | {"chr2": 1001}) is None
        later = fasta.stat().st_mtime + 100
        os.utime(fasta, (later, later))
        assert index_genome.find_index(fasta, contigs) is None
        os.utime(fasta, (later - 1000, later - 1000))
        assert index_genome.find_index(fasta, contigs) == fasta
        Path(f"{fasta}.sa").unlink()
        assert index_genome.find_index(fasta, contigs) is None
