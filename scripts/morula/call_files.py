"""Files of the call stage: site tables, headers, and VCF text to and from bcftools."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from morula.errors import InputError
from morula.processes import Job, Pipeline

FIELDS = {
    "PANEL": '##INFO=<ID=PANEL,Number=0,Type=Flag,Description="SNV of the panel">',
    "AC": '##INFO=<ID=AC,Number=A,Type=Integer,Description="ALT alleles">',
    "AN": '##INFO=<ID=AN,Number=1,Type=Integer,Description="Known alleles">',
    "GT": '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
    "PL": '##FORMAT=<ID=PL,Number=G,Type=Integer,Description="Genotype likelihoods">',
    "BAF": '##FORMAT=<ID=BAF,Number=1,Type=Float,Description="ALT fraction of the'
    ' signal of a marker">',
    "DP": '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Reads used">',
    "AD": '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads of REF and ALT">',
    "ADF": '##FORMAT=<ID=ADF,Number=R,Type=Integer,Description="Forward reads">',
    "ADR": '##FORMAT=<ID=ADR,Number=R,Type=Integer,Description="Reverse reads">',
    "QS": '##FORMAT=<ID=QS,Number=R,Type=Integer,Description="Sum of qualities">',
    "GQ": '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Second best minus best'
    ' genotype in PL">',
    "FI": '##FORMAT=<ID=FI,Number=1,Type=Integer,Description="1: genotype was missing'
    ' or doubtful, filled in by SHAPEIT4">',
    "FP": '##FORMAT=<ID=FP,Number=1,Type=Float,Description="Probability that this het'
    ' is the wrong way round by itself; 0.5 where nothing tells">',
    "SP": '##FORMAT=<ID=SP,Number=1,Type=Float,Description="Probability that the phase'
    ' switches between the site before and this one">',
    "PS": '##FORMAT=<ID=PS,Number=1,Type=Integer,Description="Phase set">',
    "PRIVATE": '##INFO=<ID=PRIVATE,Number=0,Type=Flag,Description="Het of a parent that'
    ' the panel lacks">',
}


@dataclass(frozen=True, slots=True)
class Site:
    """One position and REF of a site table with its ALT alleles, in the table's
    order."""

    chrom: str
    pos_bp: int
    ref: str
    alts: tuple[str, ...]

    def agrees(self, other: Site) -> bool:
        """Whether both REFs, one perhaps longer, can be of one reference."""
        return self.ref.startswith(other.ref) or other.ref.startswith(self.ref)


def _parsed(path: str | Path, number: int, text: str) -> Site:
    """The site of one line of a table."""
    cells = text.rstrip("\n").split("\t")
    alleles = cells[2].split(",") if len(cells) == 3 else []
    if len(alleles) < 2 or not cells[1].isdigit():
        raise InputError(
            f"{path}, line {number}: found {text.rstrip()!r}; expected CHROM, POS and"
            " REF,ALT"
        )
    return Site(cells[0], int(cells[1]), alleles[0], tuple(alleles[1:]))


def read_sites(path: str | Path) -> Iterator[Site]:
    """Sites of a table CHROM, POS, REF,ALT (gzipped); neighbouring lines of one
    position and REF are joined. Raises InputError for a line that is not of that form,
    is out of order, or has another base of the reference than the line before."""
    waiting: Site | None = None
    with gzip.open(path, "rt") as handle:
        for number, text in enumerate(handle, start=1):
            site = _parsed(path, number, text)
            if waiting and site.chrom == waiting.chrom:
                if site.pos_bp < waiting.pos_bp:
                    raise InputError(
                        f"{path}, line {number}: {site.pos_bp} after {waiting.pos_bp};"
                        " expected rising positions"
                    )
                if site.pos_bp == waiting.pos_bp and not site.agrees(waiting):
                    raise InputError(
                        f"{path}, line {number}: REF {site.ref} at {site.chrom}:"
                        f"{site.pos_bp}, where the line before has {waiting.ref}"
                    )
                if (site.pos_bp, site.ref) == (waiting.pos_bp, waiting.ref):
                    alts = waiting.alts + site.alts
                    waiting = Site(site.chrom, site.pos_bp, site.ref, alts)
                    continue
            if waiting:
                yield waiting
            waiting = site
    if waiting:
        yield waiting


def read_contigs(fai: str | Path) -> dict[str, int]:
    """Name -> length of a FASTA's index."""
    with Path(fai).open() as handle:
        rows = [line.split("\t") for line in handle]
    return {row[0]: int(row[1]) for row in rows}


def header(
    fai: str | Path,
    fields: Sequence[str],
    samples: Sequence[str],
    programs: Sequence[str] = (),
) -> str:
    """VCF header without date, path or command: the same input gives the same bytes.

    programs: lines that name what made the records (provenance.program_lines).
    """
    return header_of(read_contigs(fai), fields, samples, programs)


def header_of(
    contigs: Mapping[str, int],
    fields: Sequence[str],
    samples: Sequence[str],
    programs: Sequence[str] = (),
) -> str:
    """The same with the names and lengths of `contigs`."""
    lines = ["##fileformat=VCFv4.2", *programs]
    lines += [
        f"##contig=<ID={name},length={length}>" for name, length in contigs.items()
    ]
    lines += [FIELDS[field] for field in fields]
    columns = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT".split()
    lines.append("\t".join([*columns, *samples]))
    return "".join(line + "\n" for line in lines)


def samples_of(path: str | Path) -> list[str]:
    """Samples of a VCF or BCF. Raises InputError when bcftools cannot read it."""
    done = subprocess.run(
        ["bcftools", "query", "-l", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise InputError(
            f"{path}: not a VCF or BCF that bcftools can read ({done.stderr.strip()})"
        )
    return done.stdout.split()


def body_lines(pipeline: Pipeline, command: Sequence[str], about: str) -> Iterator[str]:
    """Lines that `command` prints, header lines left out; it must end well."""
    job = pipeline.start(command, about=about)
    yield from text_of(pipeline, job)


def text_of(pipeline: Pipeline, job: Job) -> Iterator[str]:
    """Lines of a started program's output, header lines left out; it must end well."""
    assert job.process.stdout is not None
    for line in job.process.stdout:
        if not line.startswith(b"#"):
            yield line.decode()
    pipeline.wait([job])


def input_of(job: Job) -> IO[bytes]:
    """The pipe that `job` reads."""
    assert job.process.stdin is not None
    return job.process.stdin


@contextmanager
def bcf_writer(pipeline: Pipeline, path: Path, head: str) -> Iterator[IO[bytes]]:
    """Yield a sink for VCF lines that end up in the BCF `path`, which is indexed."""
    about = f"while writing {path.name}"
    command = ["bcftools", "view", "--no-version", "-Ob", "-o", str(path), "-"]
    job = pipeline.start(command, about=about, stdin=subprocess.PIPE)
    sink = input_of(job)
    try:
        sink.write(head.encode())
        yield sink
        sink.close()
    except BrokenPipeError:
        pipeline.explain(grace_s=10)
        raise
    pipeline.wait([job])
    index = pipeline.start(["bcftools", "index", "-f", str(path)], about=about)
    pipeline.wait([index])


@contextmanager
def work_folder(output: Path) -> Iterator[Path]:
    """A folder beside `output` for unfinished files, removed in the end; its name is
    fixed, so that what a killed run left is removed by the next."""
    folder = output.parent / f".work-{output.name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(finished: Path, output: Path) -> None:
    """Move a finished BCF and its index to their places, the BCF last."""
    Path(f"{finished}.csi").replace(f"{output}.csi")
    finished.replace(output)
