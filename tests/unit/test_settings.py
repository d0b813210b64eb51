"""The config: strict, completed with the schema's defaults, with lines in messages."""

from pathlib import Path

import pytest
import yaml

from input_world import CONFIG, replace
from morula import settings
from morula.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = settings.read_schema(ROOT / "config/schemas/config.schema.yaml")


@pytest.fixture
def config(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(CONFIG)
    return Path("config.yaml")


def complete(path: Path):
    return settings.complete(yaml.safe_load(path.read_text()), SCHEMA, [path])


def test_defaults_fill_sections_within_sections(config):
    settings_ = complete(config)
    assert settings_["seed"] == 1
    assert settings_["align"]["aligner"] == "bwa"
    assert settings_["correct"]["qc"]["min_depth"] == 0.002
    assert settings_["report"] == {"show_sex": False}
    assert "simulate" not in settings_


def test_what_is_given_is_kept_and_its_section_filled(config):
    config.write_text(CONFIG + "correct: {samples: 50, qc: {max_error: 0.2}}\n")
    correct = complete(config)["correct"]
    assert (correct["samples"], correct["qc"]["max_error"]) == (50, 0.2)
    assert correct["qc"]["min_depth"] == 0.002


def test_defaults_of_a_section_that_is_optional_come_with_it(config):
    config.write_text(CONFIG + "simulate: {parents: {M1: a, P1: b}}\n")
    assert complete(config)["simulate"]["depth"]["embryos"] > 0


def test_the_config_given_and_the_schema_stay_as_they_are(config):
    given = yaml.safe_load(CONFIG)
    filled = settings.complete(given, SCHEMA)
    assert given == yaml.safe_load(CONFIG)
    filled["align"]["aligner"] = "other"
    assert settings.complete(given, SCHEMA)["align"]["aligner"] == "bwa"


def test_every_default_fits_its_own_rules():
    config = settings.complete(yaml.safe_load(CONFIG), SCHEMA)
    assert settings.complete(config, SCHEMA) == config


def test_paths_are_normalised(config, monkeypatch):
    monkeypatch.setenv("HOME", "/home/lab")
    replace(config, "fasta: genome.fa", "fasta: ./a//genome.fa")
    replace(config, "panel.tsv", "~/panel.tsv")
    reference = complete(config)["reference"]
    assert reference["fasta"] == "a/genome.fa"
    assert reference["panel_samples"] == "/home/lab/panel.tsv"


def test_chromosomes_without_chr_need_no_quotes(config):
    replace(config, "[chr20, chr21]", "[20, 21]")
    assert complete(config)["reference"]["chromosomes"] == ["20", "21"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("units:", "unit:", ["line 2, unit", "unknown key 'unit'", "mean 'units'?"]),
        ("units: units.tsv\n", "", ["no key 'units'"]),
        ("fasta:", "fatsa:", ["line 6, reference.fatsa", "mean 'fasta'?"]),
        ("fasta: genome.fa\n  ", "", ["line 4, reference", "no key 'fasta'"]),
        ("GRCh38", "hg38", ["line 5, reference.build", "'hg38'", "GRCh37, GRCh38"]),
        ("panel/{chrom}.vcf.gz", "all.vcf", ["line 7, reference.panel", "{chrom}"]),
        ("maps/{chrom}.map", "all.map", ["line 9, reference.genetic_map", "{female"]),
        ("maps/{chrom}.map", "{female: a}", ["line 9, reference.genetic_map"]),
        ("[chr20, chr21]", "[]", ["line 10, reference.chromosomes", "empty list"]),
        ("[chr20, chr21]", "chr20", ["line 10, reference.chromosomes", "a list"]),
        ("[chr20, chr21]", "[2.5]", ["reference.chromosomes.0", "found 2.5"]),
        ("chr21]", "chr20]", ["reference.chromosomes", "twice"]),
        ("chr21]", "chrY]", ["chromosomes.1", "'chrY' is not handled"]),
        ("chr21]", "MT]", ["chromosomes.1", "'MT' is not handled"]),
        ("chr21]", '"23"]', ["chromosomes.1", "'23' is not handled"]),
        ("[chr20, chr21]", "[chrX]", ["reference.chromosomes", "X alone"]),
        ("genome.fa", "a{x}.fa", ["line 6, reference.fasta", "braces"]),
        ("seed: 1", "seed: one", ["line 11, seed", "'one'", "whole number"]),
        ("seed: 1", "seed: 0.5", ["line 11, seed", "0.5"]),
        (
            "seed: 1",
            "align: {aligner: bwa2}",
            ["line 11, align.aligner", "mean 'bwa'?"],
        ),
        ("seed: 1", "seed: 1\nseed: 2", ["line 12: key 'seed' is in line 11, too"]),
        ("seed: 1", "align: fast", ["line 11, align", "keys with values"]),
        ("seed: 1", "correct: {qc: {x: 1}}", ["correct.qc.x", "unknown key 'x'"]),
    ],
)
def test_refused(config, old, new, words):
    config.write_text(CONFIG + "seed: 1\n")
    replace(config, old, new)
    with pytest.raises(InputError) as caught:
        complete(config)
    for word in ["config.yaml", *words]:
        assert word in str(caught.value)


def test_all_mistakes_are_told_at_once(config):
    replace(config, "GRCh38", "hg38")
    replace(config, "units:", "unit:")
    with pytest.raises(InputError, match=r"(?s)3 mistakes:.*'units'.*hg38"):
        complete(config)


def test_the_line_is_that_of_the_file_that_says_it(config):
    other = Path("other.yaml")
    other.write_text("\n\nalign: {aligner: x}\n")
    merged = yaml.safe_load(CONFIG) | yaml.safe_load(other.read_text())
    with pytest.raises(InputError, match=r"other\.yaml, line 3, align\.aligner"):
        settings.complete(merged, SCHEMA, [config, other])


def test_a_pair_of_one_is_told_how_many_it_needs(config):
    config.write_text(CONFIG + "simulate: {parents: {M1: a, P1: b}, swaps: [[E1]]}\n")
    with pytest.raises(
        InputError, match=r"found \['E1'\] of 1 items; expected at least 2"
    ):
        complete(config)
