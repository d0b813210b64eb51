import csv
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import write_report
from morula.report_svg import number, percent
from report_world import World

RESOURCES = Path(__file__).parents[2] / "resources"
VOID = {"meta", "br", "link", "img", "input", "hr", "source"}


class Page(HTMLParser):
    """Text of a page by section, and whether every element is closed in order."""

    def __init__(self, source):
        super().__init__()
        self.open, self.tags, self.sections = [], set(), {"": ""}
        self.attributes, self.section = [], ""
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes += attributes
        if tag == "section":
            self.section = dict(attributes)["id"]
            self.sections[self.section] = ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.sections[self.section] += data


def write(folder, world, name="page.html"):
    output = folder / name
    flags = world.write(folder)
    return output, [
        *flags,
        *("--template", str(RESOURCES / "report.html.j2")),
        *("--style", str(RESOURCES / "report.css")),
        *("--output", str(output)),
    ]


def made(folder, world):
    output, flags = write(folder, world)
    assert write_report.main(flags) == 0
    return output.read_text()


def rows(folder, table):
    with (folder / f"{table}.tsv").open() as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def change(folder, table, column, value, where=lambda row: True):
    """Put `value` into a column of the rows that `where` picks."""
    found = rows(folder, table)
    for row in found:
        if where(row):
            row[column] = value
    with (folder / f"{table}.tsv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(found[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(found)


WORLDS = {
    "demo": World(),
    "one parent": World(parents=("father",), n_embryos=2, warned=(), failed=()),
    "no parent": World(parents=()),
    "all failed": World(failed=(0, 1, 2, 3), warned=(), ranked=False),
    "all withheld": World(withheld=(0, 1, 2), ranked=False),
    "no embryo": World(n_embryos=0, ranked=False),
    "no trait": World(n_traits=0, ranked=False),
    "genome": World(n_chromosomes=22, n_embryos=6),
}


@pytest.mark.parametrize("name", WORLDS)
class TestEveryFamily:
    def test_is_well_formed_and_self_contained(self, tmp_path, name):
        source = made(tmp_path, WORLDS[name])
        page = Page(source)
        assert "script" not in page.tags
        loads = {"src", "srcset", "data", "xlink:href", "action", "poster"}
        assert not loads & {key for key, _ in page.attributes}
        links = {value for key, value in page.attributes if key == "href"}
        assert all(link.startswith("#") for link in links)
        # The SVG namespace is a name: nothing is fetched from there.
        rest = source.replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"https?:|//[a-z]|url\(|@import", rest)

    def test_anchors_exist(self, tmp_path, name):
        page = Page(made(tmp_path, WORLDS[name]))
        ids = {value for key, value in page.attributes if key == "id"}
        links = {value for key, value in page.attributes if key == "href"}
        assert {link.removeprefix("#") for link in links} <= ids

    def test_no_python_value_shows(self, tmp_path, name):
        text = "".join(Page(made(tmp_path, WORLDS[name])).sections.values())
        assert not re.search(r"\b(None|nan|True|False|Undefined|inf)\b", text)
        assert "{{" not in text
        assert "{%" not in text


def test_what_is_not_known_of_absent_parents(tmp_path):
    both, her, none = (
        Page(made(tmp_path, World(parents=roles))).sections
        for roles in (("mother", "father"), ("mother",), ())
    )
    assert "no data of" not in both[""]
    assert "There are no data of the father" in her[""]
    assert "There are no data of any parent" in none[""]
    assert "whether they are siblings" in none[""]
    for parent, shown in (("mother", (both, her)), ("father", (both,))):
        for page in (both, her, none):
            words = (f"{parent}, haplotype 1", f"{parent}")
            assert (words[0] in page["chromosomes"]) == (page in shown)
            assert (words[1] in page["ancestry"]) == (page in shown)
    assert "Not known: there are no data of a parent" in none["chromosomes"]
    assert "Withheld" not in none["chromosomes"]
    assert ["mean of the children" in page["scores"] for page in (both, her, none)] == [
        *(True, False, False)
    ]


def test_reads_against_inheritance(tmp_path):
    """Counts of each embryo but the failed one; nothing of embryos alone."""
    text = " ".join(Page(made(tmp_path, World())).sections["quality"].split())
    assert "Reads against inheritance" in text
    table = text.split("Reads followed")[1]
    for name in ("E1", "E2", "E3"):
        assert re.search(rf"{name}\W*2\W*1\W*1\W*0\W*0\W*1\b", table)
    assert "E4" not in table
    alone = Page(made(tmp_path, World(parents=()))).sections["quality"]
    assert "Reads against inheritance" not in alone


class TestValues:
    @pytest.fixture
    def folder(self, tmp_path):
        self.page = Page(made(tmp_path, World()))
        return tmp_path

    def test_quality(self, folder):
        text = self.page.sections["quality"]
        shares = {
            "breadth",
            "ado_rate",
            "contamination",
            "foreign",
            "maternal_share",
        }
        for row in rows(folder, "quality"):
            for column, cell in row.items():
                if column in ("embryo", "chromosomes_flagged", "reason"):
                    assert cell in text
                elif column == "status":
                    assert {"warn": "warning"}.get(cell, cell) in text
                elif cell and column in shares:
                    assert percent(float(cell)) in text
                elif cell:
                    assert number(float(cell)) in text

    def test_scores(self, folder):
        text = self.page.sections["scores"]
        shares = {"weight_used", "prevalence", "risk", "risk_low", "risk_high"}
        shares.add("liability_r2")
        texts = {"sample", "trait", "pgs_id", "reference", "nearest_reference"}
        texts |= {"status", "reason"}
        for row in rows(folder, "scores"):
            for column, cell in row.items():
                if column in texts or column.startswith("variants"):
                    assert cell in text
                elif cell and column in shares:
                    assert percent(float(cell)) in text
                elif cell and column != "role":
                    digits = 5 if column == "pgs" else 3
                    assert number(float(cell), digits) in text

    def test_ranking_ancestry_match(self, folder):
        for row in rows(folder, "ranking"):
            if row["rank"]:
                for column in ("index", "index_low", "index_high", "expected_gain"):
                    assert number(float(row[column])) in self.page.sections["ranking"]
                best = percent(float(row["probability_best"]))
                assert best in self.page.sections["ranking"]
        for row in rows(folder, "ancestry"):
            if row["sample"] != "E4":
                for i in range(1, 5):
                    value = number(float(row[f"PC{i}"]))
                    assert value in self.page.sections["ancestry"]
        for row in rows(folder, "match"):
            text = self.page.sections["matching"]
            assert row["reason"] in text
            assert row["variants"] in text
            assert percent(float(row["weight_share"]), 2) in text

    def test_noise_is_called_noise(self, folder):
        assert "Differences within the noise are noise" in self.page.sections["ranking"]

    def test_digest_and_settings(self, folder):
        assert "ab" * 32 in self.page.sections["made"]
        assert "GRCh38" in self.page.sections["made"]


class TestWithheld:
    def test_numbers_of_withheld_scores_never_show(self, tmp_path):
        output, flags = write(tmp_path, World(failed=(), warned=()))
        odd = {"pgs": "987.654", "z": "3.2109", "percentile": "99.876"}
        odd |= {"pgs_sd": "0.4567", "risk": "0.7654", "z_low": "2.9876"}
        for column, value in odd.items():
            change(
                tmp_path,
                "scores",
                column,
                value,
                lambda row: row["status"] == "withheld",
            )
        assert write_report.main(flags) == 0
        page = Page(output.read_text())
        text = "".join(page.sections.values())
        for shown in ("987.65", "3.21", "99.9", "0.457", "76.5 %", "2.99"):
            assert shown not in text
        assert "variants with 0.41 of the weight" in page.sections["withheld"]

    def test_failed_embryo_shows_only_its_quality(self, tmp_path):
        output, flags = write(tmp_path, World(failed=(3,)))
        # Tables that forgot to withhold: the page must not.
        is_failed = lambda row: row["sample"] == "E4"  # noqa: E731
        for column, value in {"status": "ok", "z": "2.3456", "pgs": "77.777"}.items():
            change(tmp_path, "scores", column, value, is_failed)
        change(tmp_path, "ancestry", "PC1", "55.5544", is_failed)
        change(tmp_path, "ranking", "index", "0.6789", lambda r: r["embryo"] == "E4")
        change(tmp_path, "ranking", "rank", "1", lambda r: r["embryo"] == "E4")
        assert write_report.main(flags) == 0
        source = output.read_text()
        page = Page(source)
        text = "".join(page.sections.values())
        for shown in ("2.35", "77.777", "55.6", "0.679"):
            assert shown not in text
        assert "E4" not in page.sections["ancestry"]
        assert "Chromosomes of E4" not in source
        assert "E4" in page.sections["withheld"]
        assert "not shown to be an embryo of the father" in page.sections["withheld"]

    def test_sex_is_named_as_withheld(self, tmp_path):
        page = Page(made(tmp_path, World()))
        assert "report.show_sex: false" in page.sections["withheld"]


def test_markup_in_names_is_text(tmp_path):
    odd = '<img src=x onerror="alert(1)">&'
    world = World(prefix=odd, name="<script>F</script>")
    output, flags = write(tmp_path, world)
    change(tmp_path, "quality", "reason", "<b>bold</b>")
    change(tmp_path, "scores", "trait", "<svg onload=x>")
    change(tmp_path, "scores", "reference", "</table>")
    change(tmp_path, "match", "reason", "<i>odd</i>")
    change(tmp_path, "ancestry-panel", "superpopulation", "</svg><u>")
    assert write_report.main(flags) == 0
    page = Page(output.read_text())
    assert not {"script", "img", "u", "b1"} & page.tags
    assert not any(key.startswith("on") for key, _ in page.attributes)
    assert odd in page.sections["quality"]
    assert "<b>bold</b>" in page.sections["quality"]
    assert "<svg onload=x>" in page.sections["scores"]


def test_same_input_same_bytes(tmp_path):
    output, flags = write(tmp_path, World())
    written = []
    for _ in range(2):
        assert write_report.main(flags) == 0
        written.append(output.read_bytes())
    assert written[0] == written[1]


def test_fifty_embryos_and_twenty_traits_stay_small(tmp_path):
    world = World(n_embryos=50, n_traits=20, n_chromosomes=22, n_panel=3000)
    source = made(tmp_path, world)
    assert len(source.encode()) < 2_000_000
    assert all(f">{name}<" in source for name in world.embryos if name != "E4")


@pytest.mark.parametrize(
    ("table", "column", "value", "expected"),
    [
        (
            "quality",
            "depth",
            "many",
            "tsv, line 2, column depth: found 'many'",
        ),
        ("quality", "status", "maybe", "expected one of pass, warn, fail"),
        ("inheritance", "haplotype", "3", "column haplotype: found '3'"),
        ("inheritance", "chrom", "chrZ", "chromosome 'chrZ' is not in"),
        ("inheritance", "start", "", "column start: empty"),
        ("ranking", "embryo", "STRANGER", "'STRANGER' is no member of family FAM1"),
        ("quality", "embryo", "E1", "no row for embryo 'E2'"),
    ],
)
def test_odd_tables_are_refused(tmp_path, capsys, table, column, value, expected):
    output, flags = write(tmp_path, World())
    change(tmp_path, table, column, value)
    assert write_report.main(flags) == 2
    assert re.search(expected, capsys.readouterr().err)
    assert not output.exists()


def test_lost_column_is_named(tmp_path, capsys):
    output, flags = write(tmp_path, World())
    path = tmp_path / "scores.tsv"
    path.write_text(path.read_text().replace("percentile", "centile"))
    assert write_report.main(flags) == 2
    assert "no column 'percentile'" in capsys.readouterr().err
