"""`db idf` and the setting that names its tables, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crawler.interchange import article_to_json
from tests.cli.conftest import Wiretrace
from tests.stories import page_html, story

LOST = "idf-en-2026-05-04-0123456789ab.tsv.gz"


@pytest.fixture
def wire(tmp_path: Path) -> Path:
    path = tmp_path / "wire.jsonl"
    path.write_text(json.dumps(article_to_json(story("ferry-original"))) + "\n", "utf-8")
    return path


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text(page_html(story("ferry-spun")), "utf-8")
    return path


def test_a_table_is_made_named_in_the_settings_and_taken_up_by_reindex(
    wiretrace: Wiretrace, wire: Path, page: Path, tmp_path: Path
) -> None:
    assert wiretrace("import", wire).code == 0
    made = wiretrace("db", "idf", "--out", "tables", "--least", 1)
    name = made.out.split()[0]
    assert made.out == f"{name} language=en texts=1\n"
    assert made.err == f'to go by them: [link] idf = ["{name}"], then `wiretrace db reindex`\n'

    (tmp_path / "wiretrace.toml").write_text(f'[link]\nidf = ["{name}"]\n')
    refused = wiretrace("trace", page)
    assert refused.code == 1
    assert len(refused.err.splitlines()) == 1
    assert refused.err.endswith("run `wiretrace db reindex`\n")
    assert "signed=1" in wiretrace("db", "reindex").out
    assert json.loads(wiretrace("trace", page, "--json").out)["link"]["rewrite"]


def test_a_store_of_too_few_texts_is_one_line_and_exit_1(wiretrace: Wiretrace, wire: Path, tmp_path: Path) -> None:
    wiretrace("import", wire)
    ran = wiretrace("db", "idf")
    assert ran.code == 1
    assert ran.err.endswith(": expected 1,000 texts of a language for a table, found 1 of en\n")
    assert len(ran.err.splitlines()) == 1
    assert not list(tmp_path.glob("idf-*"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--once"],
        ["import", "wire.jsonl"],
        ["trace", "page.html"],
        ["link", "--in", "wire.jsonl", "--out", "links.jsonl", "--self"],
        ["evaluate", "corpus"],
        ["db", "reindex"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_missing_table_is_one_line_and_exit_2(
    wiretrace: Wiretrace, wire: Path, page: Path, tmp_path: Path, arguments: list[str]
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "articles.jsonl").write_bytes(wire.read_bytes())
    (corpus / "links.jsonl").write_text("")
    (tmp_path / "wiretrace.toml").write_text(f'[link]\nidf = ["{LOST}"]\n')
    ran = wiretrace(*arguments)
    assert ran.code == 2
    assert ran.err == f"wiretrace: {LOST}: link.idf: no such file; expected a table as `wiretrace db idf` wrote it\n"
