"""Simulated scoring files: formats, untidy rows, and the score that they define."""

import numpy as np
import pytest

from morula.haplotypes import Genotypes
from morula.simulation.scores import (
    BUILD_SHIFT_BP,
    ScoreInfo,
    draw_score,
    format_1,
    format_2,
    format_2_harmonised,
    is_ambiguous,
)
from morula.simulation.streams import stream

INFO = ScoreInfo("SIM000001", "simulated", "sim_height", "GRCh38")
FLIP = str.maketrans("ACGT", "TGCA")


@pytest.fixture
def panel() -> Genotypes:
    rng = stream(1, "panel")
    n_sites = 1500
    letters = np.array(["AC", "AG", "AT", "CG", "CT", "GT"])
    pairs = letters[rng.integers(0, 6, n_sites)]
    frequency = rng.uniform(0.02, 0.98, n_sites)[:, None, None]
    alleles = (rng.random((n_sites, 40, 2)) < frequency).astype(np.int8)
    return Genotypes(
        chrom="chr21",
        pos_bp=np.arange(1, n_sites + 1) * 1000,
        ref=np.array([pair[0] for pair in pairs], dtype=object),
        alt=np.array([pair[1] for pair in pairs], dtype=object),
        alleles=alleles,
        phased=np.ones((n_sites, 40), dtype=bool),
        samples=tuple(f"S{i}" for i in range(40)),
    )


def test_rows_say_what_they_should_after_tidying(panel):
    rows = draw_score(stream(2, "score"), [panel], 1000, flip_ambiguous=False)
    row_at = {int(pos): row for row, pos in enumerate(panel.pos_bp)}
    counts = dict.fromkeys(("absent", "flipped", "swapped", "ambiguous"), 0)
    score = np.zeros(40)
    for pos, effect, other, weight in zip(
        rows.pos_bp, rows.effect, rows.other, rows.weight, strict=True
    ):
        counts["absent"] += pos not in row_at
        if pos not in row_at:
            continue
        ref, alt = panel.ref[row_at[pos]], panel.alt[row_at[pos]]
        if {effect, other} != {ref, alt}:
            effect, other = effect.translate(FLIP), other.translate(FLIP)
            counts["flipped"] += 1
        assert {effect, other} == {ref, alt}
        counts["swapped"] += effect == ref
        counts["ambiguous"] += is_ambiguous(ref, alt)
        dosage = panel.alleles[row_at[pos]].sum(axis=1)
        score += weight * (dosage if effect == alt else 2 - dosage)
    assert len(rows.weight) == 1000
    assert 10 <= counts["absent"] <= 60
    assert 15 <= counts["flipped"] <= 70
    assert 400 <= counts["swapped"] <= 600
    assert 200 <= counts["ambiguous"] <= 450
    # All but the absent rows: nearly the panel's SD of one.
    assert np.std(score) == pytest.approx(1.0, abs=0.1)


def test_formats_hold_the_same_rows(panel):
    rows = draw_score(stream(3, "score"), [panel], 50, flip_ambiguous=False)
    tables = []
    for to_text in (format_1, format_2, format_2_harmonised):
        lines = to_text(INFO, rows).splitlines()
        body = [line.split("\t") for line in lines if not line.startswith("#")]
        assert {len(cells) for cells in body} == {len(body[0])}
        tables.append([dict(zip(body[0], cells, strict=True)) for cells in body[1:]])
        assert any("SIM000001" in line for line in lines if line.startswith("#"))
    one, two, three = tables
    assert [row["reference_allele"] for row in one] == rows.other
    assert [row["other_allele"] for row in two] == rows.other
    for a, b, c in zip(one, two, three, strict=True):
        assert a["chr_name"] == b["chr_name"] == c["hm_chr"] == "21"
        assert a["effect_weight"] == b["effect_weight"] == c["effect_weight"]
        assert a["chr_position"] == b["chr_position"] == c["hm_pos"]
        assert int(c["chr_position"]) == int(c["hm_pos"]) + BUILD_SHIFT_BP
        assert b["allelefrequency_effect"] == c["allelefrequency_effect"]
    assert "allelefrequency_effect" not in one[0]


def test_frequency_tells_the_strand_of_ambiguous_rows(panel):
    rows = draw_score(stream(4, "score"), [panel], 1000, flip_ambiguous=True)
    row_at = {int(pos): row for row, pos in enumerate(panel.pos_bp)}
    n_flipped = 0
    for pos, effect, frequency in zip(
        rows.pos_bp, rows.effect, rows.frequency, strict=True
    ):
        row = row_at.get(pos)
        if row is None or not is_ambiguous(panel.ref[row], panel.alt[row]):
            continue
        alt_frequency = panel.alleles[row].mean()
        is_alt = effect == panel.alt[row]
        as_written = alt_frequency if is_alt else 1 - alt_frequency
        assert frequency in (
            pytest.approx(as_written),
            pytest.approx(1 - as_written),
        )
        n_flipped += abs(frequency - as_written) > 1e-9
    assert 2 <= n_flipped <= 40
