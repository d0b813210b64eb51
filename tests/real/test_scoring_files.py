"""Every real scoring file is read and matched, or refused with reason and remedy."""

import gzip

import numpy as np
import pytest

from morula import scoring_reader, scoring_rows
from morula.errors import InputError
from morula.panel_sites import read_panel_sites
from morula.score_match import OUTCOMES, is_matched, match_rows
from real_data import DATA, needs
from tiny_panel import CHROMS, split_panel

SCORES = DATA / "pgs"
OTHER_FILES = {"ref.psam", "tiny1000G.vcf.gz", "tiny1000G.vcf.gz.tbi"}
# Rows by why they cannot be matched ("": they can), or words of the refusal; a file
# without a build is given the one that it is in.
HEIGHT = {"": 51183, "allele_not_acgt": 4, "no_position": 22}
READ = [
    ("PGS000001_hmPOS_GRCh37.txt.gz", "GRCh37", {"": 77}),
    ("PGS000001_hmPOS_GRCh38.txt.gz", "GRCh38", {"": 77}),
    ("PGS000002_hmPOS_GRCh38.txt.gz", "GRCh38", {"": 77}),
    ("PGS000802_hmPOS_GRCh37.txt", "GRCh37", {"": 5, "dominant": 7, "recessive": 7}),
    ("PGS001229_22.txt", "GRCh37", {"": 835}),
    ("PGS001229_hmPOS_GRCh38.txt.gz", "GRCh38", HEIGHT),
    ("PGS004255_hmPOS_GRCh38.txt.gz", "GRCh38", {"dosage_weights": 30}),
    (
        "complex_variants_PGS004239.txt",
        "GRCh37",
        {"": 5, "haplotype": 3, "hla_allele": 6},
    ),
]
REFUSED = [
    ("PGS000001.txt.gz", "GRCh38", ["no columns chr_name and chr_position", "hmPOS"]),
    ("PGS000002.txt.gz", "GRCh37", ["no columns chr_name and chr_position", "hmPOS"]),
    ("PGS000001_hmPOS_GRCh37.txt.gz", "GRCh38", ["HmPOS_build=GRCh37", "hmPOS"]),
    ("PGS001229_22.txt", "GRCh38", ["genome_build=GRCh37", "expected GRCh38"]),
    ("PGS001229_hmPOS_GRCh38.txt.gz", "GRCh38", ["genome_build=NR", "add the line"]),
    ("complex_variants_PGS000021.txt", "GRCh38", ["chr_position", "harmonised"]),
    ("complex_variants_PGS004239.txt", "GRCh38", ["genome_build=NR", "add the line"]),
    ("pgs-collection-two-scores.chr20.txt.gz", "GRCh38", ["no column effect_weight"]),
    ("GenoPred_BODY04_lassosum_chr22.score.gz", "GRCh38", ["separated by tabs"]),
    ("breast_cancer_72_snps_info.csv", "GRCh38", ["separated by tabs"]),
]

pytestmark = needs("pgs")


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("panel")
    return read_panel_sites(split_panel(folder), CHROMS, 1)


def with_build(tmp_path, name, build):
    """The file, or a copy whose first line tells its build."""
    path = SCORES / name
    raw = path.read_bytes()
    text = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    if text.startswith(b"###"):
        return path
    copy = tmp_path / name.removesuffix(".gz")
    copy.write_bytes(f"#genome_build={build}\n".encode() + text)
    return copy


def test_no_file_is_forgotten():
    named = {name for name, *_ in (*READ, *REFUSED)} | OTHER_FILES
    assert {path.name for path in SCORES.iterdir()} == named


@pytest.mark.parametrize(("name", "build", "reasons"), READ)
def test_rows_are_matched_or_counted(tmp_path, panel, name, build, reasons):
    path = with_build(tmp_path, name, build)
    _, rows = scoring_reader.read_rows(path, build, tmp_path / "cache")
    found = np.bincount(rows.reason, minlength=len(scoring_rows.REASONS))
    assert {scoring_rows.REASONS[i]: n for i, n in enumerate(found) if n} == reasons
    matches = match_rows(rows, panel, "strand")
    assert len(matches.outcomes) == len(rows)
    assert (matches.outcomes != scoring_rows.OPEN).all()
    counts = np.bincount(matches.outcomes, minlength=len(OUTCOMES))
    for reason, number in reasons.items():
        if reason:
            assert counts[OUTCOMES.index(reason)] >= number
    if name == "PGS001229_hmPOS_GRCh38.txt.gz":
        assert np.count_nonzero(is_matched(matches.outcomes)) > 700


@pytest.mark.parametrize(("name", "build", "words"), REFUSED)
def test_a_refusal_names_file_reason_and_remedy(tmp_path, name, build, words):
    path = SCORES / name
    if "two-scores" in name:
        path = with_build(tmp_path, name, build)
    with pytest.raises(InputError) as caught:
        scoring_reader.read_rows(path, build, tmp_path / "cache")
    message = str(caught.value)
    assert message.startswith(str(path))
    assert all(word in message for word in words)
    assert len(message) < 500
    assert not (tmp_path / "cache").exists()
