"""`purge`: what would go is told, then it goes, and what is left is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Wiretrace
from tests.cli.test_keeping_texts import delivered, traced  # noqa: F401 - a fixture
from tests.cli.test_passing_on import SENTENCES, SOURCE


def test_a_dry_run_then_the_purge_then_nothing_is_linked(
    wiretrace: Wiretrace,
    delivered: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    (tmp_path / "wiretrace.toml").write_text(SOURCE)
    assert wiretrace("import", delivered).code == 0
    assert wiretrace("trace", "page.txt", "--store").code == 0
    planned = wiretrace("purge", "--older-than", "0", "--dry-run")
    assert planned.out.startswith("1 articles would go\n  versions: 1\n")
    assert SENTENCES[0] in wiretrace("export", "articles").out
    done = json.loads(wiretrace("purge", "--older-than", "0", "--json").out)
    assert len(done["articles"]) == 1
    assert done["before"]["excerpts"] == 1
    assert set(done["after"].values()) == {0}
    assert SENTENCES[0] not in wiretrace("export", "articles").out
    assert SENTENCES[0].encode() not in (tmp_path / "wiretrace.db").read_bytes()
    assert traced(wiretrace) is None
    assert wiretrace("purge", "--older-than", "0").out.startswith("0 articles went\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "expected --older-than, --source or --an"),
        (["--older-than", "soon"], "--older-than: expected days such as 365 or a time"),
    ],
)
def test_what_is_to_go_has_to_be_said(wiretrace: Wiretrace, arguments: list[str], said: str) -> None:
    ran = wiretrace("purge", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
