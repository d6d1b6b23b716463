"""What leaves the store carries no sentence of a licensed original, unless its source says that it may."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from crawler.jobs.exporting import Format, Subject
from crawler.redistribution import text_hash
from tests.cli.conftest import Wiretrace
from tests.stories import story

ORIGINAL, PAGE = story("ferry-original"), story("ferry-spun")
PUBLISHER = "Tidewater Wire"
CAPTION = "The ferry at its winter berth, seen from the old customs house."
SENTENCES = [one for one in re.split(r"(?<=[.!?])\s+|\n+", ORIGINAL.text) if len(one) > 40]
SOURCE = f"""[[sources]]
name = "Licensed wire"
url = "https://wire.example/feed"
role = "origin"
publisher = "{PUBLISHER}"
redistribute = true
"""


@pytest.fixture
def filled(wiretrace: Wiretrace, tmp_path: Path) -> Wiretrace:
    """A store with an original and a page that rewords it."""
    row = {"id": "ferry", "role": "origin", "publisher": PUBLISHER, "title": ORIGINAL.title, "text": ORIGINAL.text}
    (tmp_path / "originals.jsonl").write_text(json.dumps(row | {"captions": [CAPTION]}) + "\n")
    assert wiretrace("import", "originals.jsonl").code == 0
    (tmp_path / "page.txt").write_text(PAGE.text)
    assert wiretrace("trace", "page.txt", "--store").code == 0
    return wiretrace


def outputs(wiretrace: Wiretrace) -> dict[str, str]:
    """All that commands say of the store, by command."""
    commands = [("export", subject, "--format", kind) for subject in Subject for kind in (Format.JSONL, Format.CSV)]
    more = [
        ("trace", "page.txt"), ("trace", "page.txt", "--json"), ("evaluate", "--sample", "10"),
        ("status",), ("status", "--json"), ("sources", "list"), ("db", "idf", "--least", "1", "--out", "tables"),
    ]  # fmt: skip
    said = {}
    for command in [*commands, *more]:
        ran = wiretrace(*command)
        assert ran.code == 0, (command, ran.err)
        said[" ".join(command)] = " ".join((ran.out + ran.err).replace("\\n", "\n").replace('\\"', '"').split())
    return said


def test_no_output_holds_a_sentence_of_a_held_original(filled: Wiretrace) -> None:
    assert len(SENTENCES) > 5
    for command, said in outputs(filled).items():
        assert CAPTION not in said, command
        for sentence in SENTENCES:
            assert sentence not in said, command
            assert sentence[:40] not in said, command


def test_an_export_carries_a_licensed_originals_metadata_and_the_hash_of_its_text(filled: Wiretrace) -> None:
    rows = [json.loads(line) for line in filled("export", "articles").out.splitlines()]
    (held,) = [row for row in rows if row["role"] == "origin"]
    assert (held["title"], held["publisher"], held["text"], held["captions"]) == (ORIGINAL.title, PUBLISHER, "", [])
    assert held["text_hash"] == text_hash(ORIGINAL.text)
    (page,) = [row for row in rows if row["role"] == "aggregator"]
    assert page["text"]
    assert "text_hash" not in page
    table = list(csv.DictReader(filled("export", "articles", "--format", "csv").out.splitlines()))
    assert text_hash(ORIGINAL.text) in [row["text_hash"] for row in table]


def test_a_source_that_may_be_passed_on_opens_the_texts_of_its_publisher(filled: Wiretrace, tmp_path: Path) -> None:
    (tmp_path / "wiretrace.toml").write_text(SOURCE)
    rows = [json.loads(line) for line in filled("export", "articles").out.splitlines()]
    (held,) = [row for row in rows if row["role"] == "origin"]
    assert (held["text"], held["captions"]) == (ORIGINAL.text, [CAPTION])
    assert "text_hash" not in held
    assert "original: " in filled("trace", "page.txt").out
    assert "(not for passing on)" not in filled("evaluate", "--sample", "10").out


@pytest.mark.parametrize("change", [("redistribute = true", ""), (PUBLISHER, "Another Wire")])
def test_who_says_nothing_of_a_publisher_opens_nothing(
    filled: Wiretrace, tmp_path: Path, change: tuple[str, str]
) -> None:
    (tmp_path / "wiretrace.toml").write_text(SOURCE.replace(*change))
    assert SENTENCES[0] not in filled("export", "articles").out
    said = filled("trace", "page.txt").out
    assert "page: " in said
    assert "original: " not in said
    assert "(not for passing on)" in filled("evaluate", "--sample", "10").out
