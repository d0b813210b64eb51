"""True genotypes as BCF: writing many at once, and reading all copies' alleles.

A sample may have any number of copies of a chromosome: GT then has one allele each.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

import cyvcf2
import numpy as np
from numpy.typing import NDArray

from morula.atomic import written_whole
from morula.errors import InputError
from morula.haplotypes import Genotypes


def contig_lengths(fasta_index: str | Path) -> dict[str, int]:
    """Length in bp of every sequence of a .fai file."""
    path = Path(fasta_index)
    if not path.is_file():
        raise InputError(f"{path}: no such file; make it with `samtools faidx`")
    lengths = {}
    for line, text in enumerate(path.read_text().splitlines(), start=1):
        cells = text.split("\t")
        if len(cells) != 5 or not cells[1].isdigit():
            raise InputError(f"{path}, line {line}: not a line of a FASTA index")
        lengths[cells[0]] = int(cells[1])
    return lengths


def _genotype_text(alleles: NDArray[np.int8]) -> list[str]:
    """One string a site: tab-separated phased genotypes of int8 (L, N, P) alleles."""
    n_sites, n_samples, ploidy = alleles.shape
    text = np.full((n_sites, n_samples, 2 * ploidy), ord("|"), dtype=np.uint8)
    text[:, :, 0::2] = np.where(alleles < 0, ord("."), alleles + ord("0"))
    text[:, :, -1] = ord("\t")
    return [row.tobytes().decode("ascii")[:-1] for row in text]


def _write_text(
    handle: IO[str], contigs: Mapping[str, int], genotypes: Iterable[Genotypes]
) -> None:
    samples: Sequence[str] | None = None
    for block in genotypes:
        if samples is None:
            samples = block.samples
            handle.write("##fileformat=VCFv4.2\n")
            for name, length in contigs.items():
                handle.write(f"##contig=<ID={name},length={length}>\n")
            handle.write(
                '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
                "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t"
            )
            handle.write("\t".join(samples) + "\n")
        rows = zip(
            block.pos_bp.tolist(),
            block.ref,
            block.alt,
            _genotype_text(block.alleles),
            strict=True,
        )
        for pos, ref, alt, text in rows:
            handle.write(
                f"{block.chrom}\t{pos}\t.\t{ref}\t{alt}\t.\tPASS\t.\tGT\t{text}\n"
            )


def write_bcf(
    path: str | Path, contigs: Mapping[str, int], genotypes: Iterable[Genotypes]
) -> None:
    """Write chromosomes one after the other, and the index `{path}.csi`.

    Alleles are int8 (L, N, P), 0 or 1, or -1 for missing; the ploidy P of at least one
    may differ between blocks. All blocks hold the same samples. Neither the command
    line nor a date goes into the header: same input, same bytes.
    Raises RuntimeError when bcftools fails.
    """
    with written_whole(path) as partial:
        command = ["bcftools", "view", "--no-version", "-Ob", "-o", str(partial)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            _write_text(process.stdin, contigs, genotypes)
        if process.returncode:
            raise RuntimeError(f"bcftools view failed for {path}")
    with written_whole(f"{path}.csi") as partial:
        subprocess.run(
            ["bcftools", "index", "--csi", "-f", "-o", str(partial), str(path)],
            check=True,
        )


def read_copy_alleles(
    path: str | Path, chrom: str, sample: str
) -> tuple[
    NDArray[np.int64], NDArray[np.object_], NDArray[np.object_], NDArray[np.int8]
]:
    """Sites of `chrom` and the alleles of all copies that a sample has of it.

    Returns pos_bp int64 (L,), ref and alt, object arrays of str (L,), and alleles int8
    (L, n copies), in the order of the copies: 0, 1, or -1 where a copy has nothing.
    L and n are 0 for a chromosome of which there is no copy. Raises InputError for a
    missing sample.
    """
    reader = cyvcf2.VCF(str(path))
    if sample not in reader.samples:
        others = ", ".join(reader.samples) or "none"
        raise InputError(f"{path}: no sample {sample!r}; it has {others}")
    reader.set_samples([sample])
    records = reader(chrom) if Path(f"{path}.csi").is_file() else reader
    pos, ref, alt, alleles = [], [], [], []
    for record in records:
        if record.CHROM == chrom:
            pos.append(record.POS)
            ref.append(record.REF)
            alt.append(record.ALT[0])
            found = record.genotype.array()[0, :-1]
            # Shorter than those of another sample: cyvcf2 pads it with -2.
            alleles.append(found[found > -2])
    reader.close()
    ploidy = max(map(len, alleles), default=0)
    padded = np.full((len(pos), ploidy), -1, dtype=np.int8)
    for row, found in zip(padded, alleles, strict=True):
        row[: len(found)] = found
    return (
        np.array(pos, dtype=np.int64),
        np.array(ref, dtype=object),
        np.array(alt, dtype=object),
        padded,
    )
