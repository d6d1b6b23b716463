"""`evaluate`: several corpora, without dates, beside the usual tool; or the store's own pages by a reviewed sheet."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from crawler.demo.stories import CORPUS
from tests.cli.conftest import Wiretrace
from tests.stories import story

ORIGINAL = "ferry-original"


def corpus(folder: Path, *pages: str) -> Path:
    """A corpus of the bundled ferry story and some of its pages."""
    folder.mkdir()
    names = (ORIGINAL, *pages)
    rows = [
        {"id": name, "role": story(name).role.value, "url": story(name).url, "text": story(name).text} for name in names
    ]
    (folder / "articles.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    truth = [{"rewrite": name, "original": ORIGINAL, "kind": name.partition("-")[2]} for name in pages]
    (folder / "links.jsonl").write_text("".join(json.dumps(row) + "\n" for row in truth))
    return folder


def test_figures_of_several_corpora_are_added_up(wiretrace: Wiretrace, tmp_path: Path) -> None:
    one, two = corpus(tmp_path / "one", "ferry-spun"), corpus(tmp_path / "two", "ferry-spun", "ferry-condensed")
    found = json.loads(wiretrace("evaluate", one, two, one, "--json").out)
    assert (found["pages"], found["originals"]) == (3, 2)
    assert {row["kind"]: row["n"] for row in found["kinds"]} == {"spun": 2, "condensed": 1}


def test_the_report_shows_every_figure_with_its_bound(wiretrace: Wiretrace, tmp_path: Path) -> None:
    folder = corpus(tmp_path / "one", "ferry-spun")
    said = wiretrace("evaluate", folder, "--no-dates", "--peers").out
    assert "spun  1  1      0      0     1.0000 (0.0000)    0.0000 (1.0000)" in said
    assert "datasketch MinHashLSH, word 5-shingles, 128 permutations, threshold 0.5" in said
    assert "spun  1  0      0      1     0.0000" in said
    for head in ("unrelated, in a million", "rewrites in a stream", "mean score", "expected calibration error"):
        assert head in said


def test_a_pool_makes_the_index_larger(wiretrace: Wiretrace, tmp_path: Path) -> None:
    folder = corpus(tmp_path / "one", "ferry-spun")
    pool = tmp_path / "pool.jsonl"
    pool.write_text(json.dumps({"id": "other", "text": "Nothing of the kind has been said by anybody."}) + "\n")
    assert json.loads(wiretrace("evaluate", folder, "--pool", pool, "--json").out)["originals"] == 2


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [CORPUS, "--sample", "20"],
        ["--sample", "3"],
        ["--reviewed", "s.csv", "--peers"],
        [CORPUS, "-o", "s.csv"],
        ["--sample", "20", "--json"],
    ],
)
def test_what_does_not_go_together_is_one_line_and_exit_2(wiretrace: Wiretrace, arguments: list[object]) -> None:
    ran = wiretrace("evaluate", *arguments)
    assert (ran.code, ran.out, len(ran.err.strip().splitlines())) == (2, "", 1)


def test_a_sheet_is_drawn_reviewed_and_read_back(wiretrace: Wiretrace, tmp_path: Path) -> None:
    row = {"id": "ferry", "role": "origin", "publisher": "Wire", "text": story(ORIGINAL).text}
    (tmp_path / "originals.jsonl").write_text(json.dumps(row) + "\n")
    assert wiretrace("import", tmp_path / "originals.jsonl").code == 0
    (tmp_path / "page.txt").write_text(story("ferry-spun").text)
    assert wiretrace("trace", "page.txt", "--store").code == 0
    assert "pages=1 scored=1 rows=1" in wiretrace("evaluate", "--sample", "10", "-o", "sheet.csv").err
    with (tmp_path / "sheet.csv").open(newline="") as file:
        reader = csv.DictReader(file)
        (row,), columns = list(reader), reader.fieldnames or []
    with (tmp_path / "sheet.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerow(row | {"verdict": "yes"})
    said = wiretrace("evaluate", "--reviewed", "sheet.csv").out
    assert "1 pages reviewed, 1 of them rewrites" in said
    assert "base_rate" in said
    assert json.loads(wiretrace("evaluate", "--reviewed", "sheet.csv", "--json").out)["share"] == 1.0
