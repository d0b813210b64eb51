"""Scores by id, from a catalog on this machine."""

import functools
import gzip
import hashlib
import http.server
import threading
from pathlib import Path

import pytest

import fetch_scores
from morula import pgs_catalog
from morula.errors import InputError

TEXT = """#pgs_id={pgs_id}
#genome_build=GRCh37
#HmPOS_build={build}
chr_name\tchr_position\teffect_allele\teffect_weight\thm_chr\thm_pos
1\t5\tA\t0.5\t1\t7
"""


class Catalog:
    """A folder that is served, and what was asked of it."""

    def __init__(self, folder):
        self.folder = folder
        self.asked = []
        catalog = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *args):
                catalog.asked.append(self.path)

        handler = functools.partial(Handler, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/scores"

    def add(self, pgs_id, build="GRCh38", md5=True):
        text = TEXT.format(pgs_id=pgs_id, build=build)
        content = gzip.compress(text.encode())
        name = pgs_catalog.cached_path(pgs_id, build).name
        folder = self.folder / "scores" / pgs_id / "ScoringFiles/Harmonized"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        if md5:
            digest = hashlib.md5(content).hexdigest()
            (folder / f"{name}.md5").write_text(f"{digest}  {name}\n")
        return folder / name


@pytest.fixture
def catalog(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(pgs_catalog, "WAITS_S", ())
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    catalog = Catalog(tmp_path)
    thread = threading.Thread(target=catalog.server.serve_forever)
    thread.start()
    yield catalog
    catalog.server.shutdown()
    catalog.server.server_close()
    thread.join()


def fetch(catalog, *ids, build="GRCh38"):
    argv = ["--pgs-ids", *ids, "--build", build, "--url", catalog.url]
    return fetch_scores.main([*argv, "--list", "results/catalog.tsv"])


def test_downloaded_once_then_from_the_cache(catalog):
    catalog.add("PGS000001")
    catalog.add("PGS000002", md5=False)
    assert fetch(catalog, "PGS000001") == 0
    first = Path("results/catalog.tsv").read_text()
    assert fetch(catalog, "PGS000001", "PGS000002") == 0
    files = [path for path in catalog.asked if path.endswith(".gz")]
    assert len(files) == 2
    assert Path("results/catalog.tsv").read_text().startswith(first)
    assert {path.name for path in pgs_catalog.CACHE.iterdir()} == {
        "PGS000001_hmPOS_GRCh38.txt.gz",
        "PGS000002_hmPOS_GRCh38.txt.gz",
    }


def test_a_file_put_there_by_hand_needs_no_network(catalog):
    path = catalog.add("PGS000001", build="GRCh37")
    cached = pgs_catalog.cached_path("PGS000001", "GRCh37")
    cached.parent.mkdir(parents=True)
    path.rename(cached)
    catalog.url = "http://127.0.0.1:9/scores"
    assert fetch(catalog, "PGS000001", build="GRCh37") == 0


def spoil_none(path):
    path.unlink()


def spoil_end(path):
    path.write_bytes(path.read_bytes()[:-9])
    path.with_name(f"{path.name}.md5").unlink()


def spoil_sum(path):
    path.with_name(f"{path.name}.md5").write_text("0" * 32)


@pytest.mark.parametrize(
    ("spoil", "written", "words"),
    [
        (spoil_none, "", ["not there", "correct the id", "score.catalog_url"]),
        (spoil_end, "", ["truncated"]),
        (spoil_sum, "", ["MD5 sum", "expected 0000"]),
        (None, "PGS000007 GRCh38", ["found #pgs_id=PGS000007"]),
        (None, "PGS000001 GRCh37", ["found #HmPOS_build=GRCh37", "expected GRCh38"]),
    ],
)
def test_what_is_wrong_is_refused_and_not_kept(catalog, spoil, written, words):
    path = catalog.add("PGS000001")
    if spoil:
        spoil(path)
    else:
        pgs_id, build = written.split()
        text = TEXT.format(pgs_id=pgs_id, build=build)
        path.write_bytes(gzip.compress(text.encode()))
        path.with_name(f"{path.name}.md5").unlink()
    with pytest.raises(InputError) as caught:
        pgs_catalog.fetch("PGS000001", "GRCh38", catalog.url)
    for word in ["PGS000001_hmPOS_GRCh38.txt.gz", *words]:
        assert word in str(caught.value)
    assert not list(Path().rglob("*.gz"))


def test_a_damaged_cache_is_not_taken_and_not_overwritten(catalog):
    catalog.add("PGS000001")
    cached = pgs_catalog.cached_path("PGS000001", "GRCh38")
    cached.parent.mkdir(parents=True)
    cached.write_bytes(gzip.compress(TEXT.format(pgs_id="X", build="GRCh38").encode()))
    with pytest.raises(InputError, match="found #pgs_id=X.*remove the file"):
        pgs_catalog.fetch("PGS000001", "GRCh38", catalog.url)
    assert cached.exists()


def test_without_network_the_message_says_where_to_put_the_file(catalog, capsys):
    catalog.url = "http://127.0.0.1:9/scores"
    assert fetch(catalog, "PGS000001") == 2
    text = capsys.readouterr().err
    assert "http://127.0.0.1:9/scores/PGS000001/ScoringFiles/Harmonized/" in text
    assert "put it at cache/pgs_catalog/PGS000001_hmPOS_GRCh38.txt.gz" in text
    assert not Path("results/catalog.tsv").exists()


def test_a_server_that_fails_once_is_asked_again(catalog, monkeypatch):
    catalog.add("PGS000001")
    answers = iter([ConnectionResetError("reset")])
    real = pgs_catalog._read

    def shaky(source):
        for error in answers:
            raise error
        return real(source)

    monkeypatch.setattr(pgs_catalog, "_read", shaky)
    monkeypatch.setattr(pgs_catalog, "WAITS_S", (0.0,))
    assert pgs_catalog.fetch("PGS000001", "GRCh38", catalog.url)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("PGS000001", True), ("PGS1", False), ("PGS000001.txt", False)],
)
def test_ids_are_told_from_paths(text, is_one):
    assert pgs_catalog.is_id(text) == is_one
