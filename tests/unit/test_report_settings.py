import json
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pysam
import pytest

import morula
from morula import report_settings, report_versions
from morula.errors import InputError


@dataclass
class Project:
    samples: dict
    traits: list

    def members(self, family):
        return list(self.samples)

    def kind(self, sample):
        return "fastq"


def sample(name, role, sex="female"):
    return SimpleNamespace(
        name=name, role=role, sex=sex, cells=5, amplification="MDA", family="FAM1"
    )


@pytest.fixture
def project():
    rows = [sample("M1", "mother"), sample("E1", "embryo")]
    trait = SimpleNamespace(trait="height", kind="quantitative", scoring_file="x.txt")
    return Project({row.name: row for row in rows}, [trait])


def config(**changes):
    return {
        "samples": "/home/someone/samples.tsv",
        "units": "units.tsv",
        "traits": "traits.tsv",
        "seed": 1,
        "reference": {
            "fasta": "/data/someone/genome.fa.gz",
            "panel": "/data/someone/{chrom}.bcf",
            "chromosomes": ["chr21", "chr22"],
        },
        "report": {"show_sex": False},
    } | changes


class TestSettings:
    def test_no_folder_is_told(self, project):
        text = report_settings.as_json(config(), project, "FAM1")
        assert "someone" not in text
        values = report_settings.parse(text).values
        assert values["reference.fasta"] == "genome.fa.gz"
        assert values["reference.panel"] == "{chrom}.bcf"
        assert values["reference.chromosomes"] == "chr21, chr22"

    def test_moving_the_data_keeps_the_digest(self, project):
        moved = json.loads(json.dumps(config()).replace("someone", "another"))
        texts = [report_settings.as_json(c, project, "F") for c in (config(), moved)]
        assert texts[0] == texts[1]

    def test_another_seed_is_another_digest(self, project):
        digests = {
            report_settings.parse(
                report_settings.as_json(config(seed=seed), project, "F")
            ).digest
            for seed in (1, 2)
        }
        assert len(digests) == 2

    def test_sex_is_withheld(self, project):
        text = report_settings.as_json(config(), project, "FAM1")
        assert "female" not in text

    def test_sex_of_embryos_where_it_is_asked_for(self, project):
        asked = config(report={"show_sex": True})
        settings = report_settings.parse(
            report_settings.as_json(asked, project, "FAM1")
        )
        assert {m.name: m.sex for m in settings.members} == {"M1": "", "E1": "female"}


class TestVersions:
    @pytest.fixture
    def cram(self, tmp_path):
        path = tmp_path / "a.bam"
        header = {
            "SQ": [{"SN": "chr1", "LN": 1000}],
            "PG": [
                {"ID": "bwa", "PN": "bwa", "VN": "0.7.17", "CL": "bwa mem /secret"},
                {"ID": "samtools", "PN": "samtools", "VN": "1.16.1"},
                {"ID": "samtools.1", "PN": "samtools", "VN": "1.16.1"},
                {"ID": "odd"},
            ],
        }
        with pysam.AlignmentFile(str(path), "wb", header=header):
            pass
        return path

    @pytest.fixture
    def bcf(self, tmp_path):
        path = tmp_path / "a.bcf"
        header = pysam.VariantHeader()
        for line in (
            "##source=shapeit4.1.3",
            '##source="beagle.22Jul22.46e.jar"',
            "##bcftools_callVersion=1.16+htslib-1.16",
            "##bcftools_callCommand=call /secret; Date=Mon Nov 1 2021",
        ):
            header.add_line(line)
        with pysam.VariantFile(str(path), "wb", header=header):
            pass
        return path

    def test_names_and_versions_only(self, cram, bcf):
        assert report_versions.versions([str(bcf), str(cram)]) == [
            ("bcftools", "1.16"),
            ("beagle", "22Jul22.46e"),
            ("bwa", "0.7.17"),
            ("samtools", "1.16.1"),
            ("shapeit", "4.1.3"),
        ]

    def test_python_parts(self):
        found = dict(report_versions.python_versions())
        assert found["numpy"] == np.__version__
        assert found["Python"].startswith("3.")

    def test_unreadable_and_unknown_files(self, tmp_path):
        broken = tmp_path / "a.bcf"
        broken.write_text("no BCF")
        with pytest.raises(InputError, match=r"a\.bcf: cannot be read"):
            report_versions.versions([str(broken)])
        with pytest.raises(InputError, match="expected one of"):
            report_versions.versions(["a.txt"])


def test_version_is_that_of_the_project(pytestconfig):
    text = (pytestconfig.rootpath / "pyproject.toml").read_text()
    assert f'version = "{morula.__version__}"' in text
