"""`[originals] keep_text_days`: links outlive the texts they were made from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Wiretrace
from tests.cli.test_passing_on import ORIGINAL, PAGE, PUBLISHER, SENTENCES, SOURCE


@pytest.fixture
def delivered(tmp_path: Path) -> Path:
    row = {"id": "ferry", "role": "origin", "publisher": PUBLISHER, "title": ORIGINAL.title, "text": ORIGINAL.text}
    (tmp_path / "page.txt").write_text(PAGE.text)
    path = tmp_path / "originals.jsonl"
    path.write_text(json.dumps(row) + "\n")
    return path


def traced(wiretrace: Wiretrace) -> dict[str, object]:
    found: dict[str, object] = json.loads(wiretrace("trace", "page.txt", "--json").out)["link"]
    return found


def test_a_page_is_linked_to_an_original_whose_text_is_gone_as_to_one_that_is_held(
    wiretrace: Wiretrace, delivered: Path, tmp_path: Path
) -> None:
    assert wiretrace("import", delivered).code == 0
    before = traced(wiretrace)
    (tmp_path / "wiretrace.toml").write_text(f"[originals]\nkeep_text_days = 0\n\n{SOURCE}")
    assert wiretrace("import", delivered).code == 0
    assert SENTENCES[0] not in wiretrace("export", "articles").out
    after = traced(wiretrace)
    assert after["score"] == pytest.approx(before["score"], abs=1e-5)
    same = ("relation", "coverage", "precedence", "standing", "original")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    evidence = after["evidence"]
    assert isinstance(evidence, list)
    passages = [one for one in evidence if one["kind"] == "passage"]
    assert passages
    assert all(one["rewrite"] and one["original"] is None for one in passages)
    assert {"name", "number"} <= {one["kind"] for one in evidence}
    said = wiretrace("trace", "page.txt").out
    assert "page: " in said
    assert "original: " not in said


def test_a_text_is_kept_until_its_day_comes(wiretrace: Wiretrace, delivered: Path, tmp_path: Path) -> None:
    (tmp_path / "wiretrace.toml").write_text(f"[originals]\nkeep_text_days = 1\n\n{SOURCE}")
    assert wiretrace("import", delivered).code == 0
    assert json.loads(wiretrace("export", "articles").out)["text"] == ORIGINAL.text


def test_the_scheduled_job_lets_texts_go(
    wiretrace: Wiretrace, delivered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wiretrace("import", delivered).code == 0
    monkeypatch.setenv("WIRETRACE_ORIGINALS__KEEP_TEXT_DAYS", "0")
    assert wiretrace("run", "--once").code == 0
    row = json.loads(wiretrace("export", "articles").out)
    assert row["text"] == ""
    last = json.loads(wiretrace("export", "changes").out.splitlines()[-1])
    assert last["reason"] == "its text was replaced by hashes"


def test_a_key_can_come_from_a_mounted_secret(
    wiretrace: Wiretrace, delivered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("a secret of more than twenty characters\n")
    monkeypatch.setenv("WIRETRACE_DATABASE__TEXT_KEY_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("WIRETRACE_ORIGINALS__KEEP_TEXT_DAYS", "0")
    assert wiretrace("import", delivered).code == 0
    assert traced(wiretrace) is not None
    monkeypatch.delenv("WIRETRACE_DATABASE__TEXT_KEY_FILE")
    assert traced(wiretrace) is None


def test_a_short_secret_is_one_line_and_exit_2(wiretrace: Wiretrace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRETRACE_DATABASE__TEXT_KEY", "short")
    ran = wiretrace("status")
    assert ran.code == 2
    assert "WIRETRACE_DATABASE__TEXT_KEY: database.text_key: expected a secret of at least 20 characters" in ran.err
