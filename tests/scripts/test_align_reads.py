"""align_reads and import_alignments on a random 20-kb genome and some hundred pairs."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pysam
import pytest

import align_reads
import import_alignments
import index_genome
import prepare_genome

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("bwa", "samtools", "fastp")),
    reason="bwa, samtools and fastp are not on the PATH",
)

COMPLEMENT = str.maketrans("ACGT", "TGCA")
N_PAIRS = 200
N_COPIES = 30


def random_sequence(rng: np.random.Generator, length: int) -> str:
    return "".join(rng.choice(list("ACGT"), length))


def fastq_pairs(
    genome: str, rng: np.random.Generator, prefix: str
) -> list[tuple[str, str]]:
    """Records of N_PAIRS pairs, and of N_COPIES copies of the first of them."""
    records = []
    for number in range(N_PAIRS):
        start = int(rng.integers(0, len(genome) - 400))
        copies = 2 if number < N_COPIES else 1
        mate1 = genome[start : start + 100]
        mate2 = genome[start + 300 : start + 400].translate(COMPLEMENT)[::-1]
        for copy in range(copies):
            name = f"{prefix}{number}.{copy}"
            records.append(
                tuple(
                    f"@{name}/{mate}\n{bases}\n+\n{'I' * 100}\n"
                    for mate, bases in ((1, mate1), (2, mate2))
                )
            )
    return records


def write_pair(folder: Path, name: str, records: list[tuple[str, str]]) -> list[str]:
    paths = [folder / f"{name}_{mate}.fq.gz" for mate in (1, 2)]
    for mate, path in enumerate(paths):
        with gzip.open(path, "wt") as handle:
            handle.writelines(record[mate] for record in records)
    return [str(path) for path in paths]


class World:
    """A prepared reference, two units of reads, and the command lines."""

    def __init__(self, folder: Path) -> None:
        rng = np.random.default_rng(5)
        self.folder = folder
        self.sequence = random_sequence(rng, 20_000)
        fasta = folder / "user.fa"
        fasta.write_text(f">chr1\n{self.sequence}\n")
        self.records = {
            unit: fastq_pairs(self.sequence, rng, unit) for unit in ("a", "b")
        }
        self.fastq = {
            unit: write_pair(folder, unit, records)
            for unit, records in self.records.items()
        }
        self.genome = folder / "results/reference/genome.fa"
        self.dictionary = self.genome.with_suffix(".dict")
        prepared = prepare_genome.main(
            ["--fasta", str(fasta), "--chromosomes", "chr1"]
            + ["--genome", str(self.genome), "--fai", f"{self.genome}.fai"]
            + ["--dictionary", str(self.dictionary)]
        )
        indexed = index_genome.main(
            ["--fasta", str(fasta), "--genome", str(self.genome)]
            + ["--dictionary", str(self.dictionary)]
        )
        assert (prepared, indexed) == (0, 0)

    def outputs(self, name: str) -> list[str]:
        return [
            "--genome",
            str(self.genome),
            "--dictionary",
            str(self.dictionary),
            "--sort-memory-mb",
            "100",
            "--cram",
            str(self.cram(name)),
            "--markdup-stats",
            str(self.folder / f"out/{name}.markdup.txt"),
        ]

    def cram(self, name: str) -> Path:
        return self.folder / f"out/{name}.cram"

    def align(
        self, name: str, units: dict[str, list[str]], threads: int = 1, **more: str
    ) -> int:
        flags = [w for unit, pair in units.items() for w in ("--unit", unit, *pair)]
        aligner = more.get("aligner", "bwa")
        index = more.get("index", str(self.genome))
        return align_reads.main(
            ["--sample", "M1", *flags, "--aligner", aligner, "--index", index]
            + ["--min-read-length", "30", "--threads", str(threads)]
            + ["--reports", str(self.folder / f"out/{name}.json")]
            + self.outputs(name)
        )

    def take(self, name: str, units: dict[str, Path], chroms: str = "chr1") -> int:
        flags = [w for unit, bam in units.items() for w in ("--unit", unit, str(bam))]
        return import_alignments.main(
            ["--sample", "P1", *flags, "--chromosomes", chroms, "--threads", "1"]
            + self.outputs(name)
        )

    def reads(self, name: str) -> list[pysam.AlignedSegment]:
        with pysam.AlignmentFile(
            str(self.cram(name)), reference_filename=str(self.genome)
        ) as reader:
            return list(reader)

    def left_behind(self, name: str) -> list[str]:
        """Files and folders that a failed run of `name` left."""
        folder = self.folder / "out"
        if not folder.exists():
            return []
        return [path.name for path in folder.iterdir() if name in path.name]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("align"))


@pytest.fixture(scope="module")
def aligned(world: World) -> World:
    assert world.align("both", world.fastq) == 0
    return world


class TestAlignReads:
    def test_all_reads_of_both_units_with_their_group(self, aligned: World) -> None:
        reads = aligned.reads("both")
        for unit, records in aligned.records.items():
            mine = [read for read in reads if read.get_tag("RG") == f"M1.{unit}"]
            found = sorted((read.query_name, read.is_read2) for read in mine)
            names = [record[0][1:].split("/")[0] for record in records]
            assert found == sorted((name, mate) for name in names for mate in (0, 1))
        assert all(read.is_proper_pair for read in reads)

    def test_positions_are_where_the_reads_were_cut(self, aligned: World) -> None:
        for read in aligned.reads("both"):
            start = read.reference_start
            assert read.query_sequence == aligned.sequence[start : start + 100]

    def test_header(self, aligned: World) -> None:
        with pysam.AlignmentFile(str(aligned.cram("both"))) as reader:
            header = reader.header.to_dict()
        assert [(g["ID"], g["SM"]) for g in header["RG"]] == [
            ("M1.a", "M1"),
            ("M1.b", "M1"),
        ]
        assert header["HD"]["SO"] == "coordinate"
        assert not any("-t " in program["CL"] for program in header["PG"])
        assert not any(str(aligned.folder) in p["CL"] for p in header["PG"])

    def test_copies_are_marked_and_nothing_else(self, aligned: World) -> None:
        # A chance that two fragments start alike exists: 400 of 19,600 starts, but
        # both must share start and length; the seed has none beyond the copies.
        starts: dict[int, set[str]] = {}
        for read in aligned.reads("both"):
            if read.is_read1:
                starts.setdefault(read.reference_start, set()).add(read.query_name)
        expected = sum(len(names) - 1 for names in starts.values())
        marked = {r.query_name for r in aligned.reads("both") if r.is_duplicate}
        assert len(marked) == expected >= 2 * N_COPIES

    def test_reports_of_both_units(self, aligned: World) -> None:
        reports = json.loads((aligned.folder / "out/both.json").read_text())
        assert list(reports) == ["a", "b"]
        total = reports["a"]["summary"]["before_filtering"]["total_reads"]
        assert total == 2 * (N_PAIRS + N_COPIES)

    def test_same_bytes_with_two_threads(self, aligned: World) -> None:
        assert aligned.align("two", aligned.fastq, threads=2) == 0
        for suffix in (".cram", ".cram.crai", ".markdup.txt", ".json"):
            one, two = (aligned.folder / f"out/{n}{suffix}" for n in ("both", "two"))
            assert one.read_bytes() == two.read_bytes(), suffix

    @pytest.mark.skipif(shutil.which("minimap2") is None, reason="no minimap2")
    def test_minimap2(self, world: World) -> None:
        index = world.folder / "genome.mmi"
        subprocess.run(
            ["minimap2", "-x", "sr", "-d", str(index), str(world.genome)],
            check=True,
            capture_output=True,
        )
        units = {"a": world.fastq["a"]}
        assert world.align("mm2", units, aligner="minimap2", index=str(index)) == 0
        assert sum(r.is_proper_pair for r in world.reads("mm2")) >= 2 * N_PAIRS


class TestRefusals:
    """Each ends with status 2, a message that names the file, and no output."""

    def refused(
        self,
        world: World,
        capfd: pytest.CaptureFixture[str],
        name: str,
        units: dict[str, list[str]],
        *words: str,
    ) -> None:
        assert world.align(name, units) == 2
        message = capfd.readouterr().err.strip().split("\n")[-1]
        assert message.startswith("error: ")
        for word in words:
            assert word in message
        assert world.left_behind(name) == []
        assert world.left_behind(".work") == []

    def test_truncated_gzip(self, world: World, capfd) -> None:
        bad = world.folder / "cut_1.fq.gz"
        whole = Path(world.fastq["b"][0]).read_bytes()
        bad.write_bytes(whole[: len(whole) // 2])
        units = {"a": world.fastq["a"], "b": [str(bad), world.fastq["b"][1]]}
        self.refused(world, capfd, "cutgz", units, "cut_1.fq.gz", "truncated")

    def test_both_files_cut_at_the_same_read(self, world: World, capfd) -> None:
        paths = []
        for mate in (0, 1):
            text = "".join(record[mate] for record in world.records["a"][:50])
            path = world.folder / f"half_{mate + 1}.fq"
            path.write_text(text[:-150])
            paths.append(str(path))
        self.refused(world, capfd, "half", {"a": paths}, "half_", "cut off")

    def test_one_file_shorter(self, world: World, capfd) -> None:
        # Beyond the names that are compared at the start.
        records = [
            (f"@r{i}/1\n{'ACGT' * 10}\n+\n{'I' * 40}\n",) * 2 for i in range(1200)
        ]
        paths = write_pair(world.folder, "short", records)
        with gzip.open(paths[1], "wt") as handle:
            handle.writelines(record[1] for record in records[:1100])
        self.refused(world, capfd, "short", {"a": paths}, "short_2.fq.gz has 1100")

    def test_names_of_a_pair_differ(self, world: World, capfd) -> None:
        paths = [world.fastq["a"][0], world.fastq["b"][1]]
        self.refused(world, capfd, "mixed", {"a": paths}, "b_2.fq.gz", "'a0.0'", "b0.0")

    def test_names_differ_late(self, world: World, capfd) -> None:
        rng = np.random.default_rng(1)
        records = []
        for number in range(1100):
            start = int(rng.integers(0, 19_000))
            bases = world.sequence[start : start + 100]
            other = number + 1 if number == 1050 else number
            records.append(
                (
                    f"@r{number}\n{bases}\n+\n{'I' * 100}\n",
                    f"@r{other}\n{bases}\n+\n{'I' * 100}\n",
                )
            )
        paths = write_pair(world.folder, "late", records)
        self.refused(world, capfd, "late", {"a": paths}, "late_2.fq.gz", "read 1051")

    def test_damaged_record(self, world: World, capfd) -> None:
        records = [list(record) for record in world.records["a"]]
        for mate in (0, 1):
            records[100][mate] = records[100][mate].replace("I" * 100, "I" * 90)
        paths = write_pair(world.folder, "odd", [(a, b) for a, b in records])
        self.refused(world, capfd, "odd", {"a": paths}, "odd_1.fq.gz", "damaged")

    def test_missing_and_misnamed(self, world: World, capfd) -> None:
        missing = [str(world.folder / "none_1.fq.gz"), world.fastq["a"][1]]
        self.refused(world, capfd, "none", {"a": missing}, "none_1.fq.gz", "no such")
        plain = world.folder / "gz_1.fq"
        shutil.copy(world.fastq["a"][0], plain)
        pair = [str(plain), world.fastq["a"][1]]
        self.refused(world, capfd, "misnamed", {"a": pair}, "gz_1.fq", "gzipped")

    def test_index_of_another_fasta(self, world: World, capfd, tmp_path: Path) -> None:
        other = tmp_path / "other.fa"
        other.write_text(f">chr9\n{world.sequence[:5000]}\n")
        subprocess.run(["bwa", "index", str(other)], check=True, capture_output=True)
        units = {"a": world.fastq["a"]}
        assert world.align("otherindex", units, index=str(other)) == 2
        assert "made from another FASTA" in capfd.readouterr().err
        assert world.left_behind("otherindex") == []

    def test_index_missing(self, world: World, capfd) -> None:
        units = {"a": world.fastq["a"]}
        assert world.align("noindex", units, index=str(world.folder / "nope")) == 2
        assert "bwa mem ended with status" in capfd.readouterr().err
        assert world.left_behind("noindex") == []


@pytest.fixture(scope="module")
def bams(aligned: World) -> dict[str, Path]:
    """Unit x: BAM sorted by position, with foreign groups; unit y: by name."""
    bams = {"x": aligned.folder / "x.bam", "y": aligned.folder / "y.bam"}
    for path, unit in ((bams["x"], "a"), (bams["y"], "b")):
        command = ["samtools", "view", "-b", "-r", f"M1.{unit}", "-T"]
        command += [str(aligned.genome), "-o", str(path)]
        subprocess.run([*command, str(aligned.cram("both"))], check=True)
    named = aligned.folder / "named.bam"
    pysam.sort("-n", "-o", str(named), str(bams["y"]))
    named.replace(bams["y"])
    return bams


class TestImportAlignments:
    def test_reads_and_groups_of_two_files(self, aligned: World, bams) -> None:
        assert aligned.take("taken", bams) == 0
        taken, source = aligned.reads("taken"), aligned.reads("both")

        def key(read: pysam.AlignedSegment) -> tuple[object, ...]:
            return (read.query_name, read.flag & ~1024, read.pos, read.cigarstring)

        assert sorted(map(key, taken)) == sorted(map(key, source))
        assert {read.get_tag("RG") for read in taken} == {"P1.x", "P1.y"}
        with pysam.AlignmentFile(str(aligned.cram("taken"))) as reader:
            assert {g["SM"] for g in reader.header.to_dict()["RG"]} == {"P1"}

    def test_duplicates_across_files(self, aligned: World, bams) -> None:
        assert aligned.take("dups", bams) == 0
        marked = sum(read.is_duplicate for read in aligned.reads("dups"))
        assert marked == sum(read.is_duplicate for read in aligned.reads("both"))

    def test_reads_on_absent_contigs_stay_as_unmapped(
        self, aligned: World, bams
    ) -> None:
        with pysam.AlignmentFile(str(bams["x"])) as reader:
            header = reader.header.to_dict()
            reads = [read.to_dict() for read in reader]
        header["SQ"].append({"SN": "decoy", "LN": 1000})
        new = pysam.AlignmentHeader.from_dict(header)
        moved = reads[0]["name"]
        path = aligned.folder / "decoy.bam"
        with pysam.AlignmentFile(str(path), "wb", header=new) as writer:
            for read in reads:
                if read["name"] == moved:
                    read |= {"ref_name": "decoy", "ref_pos": "5", "next_ref_pos": "5"}
                writer.write(pysam.AlignedSegment.from_dict(read, new))
        assert aligned.take("decoy", {"x": path}) == 0
        found = [r for r in aligned.reads("decoy") if r.query_name == moved]
        assert len(found) == 2
        assert all(read.is_unmapped for read in found)
        assert len(aligned.reads("decoy")) == len(reads)

    def test_other_reference(self, aligned: World, bams, tmp_path, capfd) -> None:
        with pysam.AlignmentFile(str(bams["x"])) as reader:
            header = reader.header.to_dict()
        header["SQ"][0]["LN"] = 19_000
        path = tmp_path / "otherbuild.bam"
        with pysam.AlignmentFile(str(path), "wb", header=header):
            pass
        assert aligned.take("otherbuild", {"x": path}) == 2
        message = capfd.readouterr().err
        assert "otherbuild.bam: contig chr1 has length 19000" in message
        assert "20000" in message
        assert aligned.left_behind("otherbuild") == []

    def test_contig_names_without_chr(self, aligned: World, bams, capfd) -> None:
        assert aligned.take("nochr", {"x": bams["x"]}, chroms="1") == 2
        assert "no contig '1'" in capfd.readouterr().err

    def test_truncated_bam(self, aligned: World, bams, tmp_path, capfd) -> None:
        whole = bams["x"].read_bytes()
        path = tmp_path / "cut.bam"
        path.write_bytes(whole[: len(whole) // 2])
        assert aligned.take("cutbam", {"x": path}) == 2
        assert "truncated or damaged" in capfd.readouterr().err
        assert aligned.left_behind("cutbam") == []
