"""What has to be there for Spark, told where it is not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from crawler.errors import UsageError
from crawler.spark.session import check_java, parse_conf, pieces
from tests.cli.conftest import Wiretrace, wiretrace

__all__ = ["wiretrace"]  # a fixture


def java(folder: Path, says: str) -> None:
    """A program of that name which says its version."""
    folder.mkdir(exist_ok=True)
    program = folder / "java"
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    program.chmod(0o755)


@pytest.fixture(autouse=True)
def _path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))


def test_no_java_is_told_with_what_to_install() -> None:
    with pytest.raises(UsageError, match="needs Java 17 or later, there is none: install a JRE such as Debian's"):
        check_java()


@pytest.mark.parametrize(
    ("says", "version"), [('openjdk version "11.0.2" 2019-01-15', "11"), ('java version "1.8.0_292"', "8")]
)
def test_an_old_java_is_told_by_its_version(tmp_path: Path, says: str, version: str) -> None:
    java(tmp_path / "programs", says)
    with pytest.raises(UsageError, match=f"java is Java {version}: install"):
        check_java()


@pytest.mark.parametrize("says", ['openjdk version "17.0.15" 2025-04-15', 'openjdk version "21" 2023-09-19'])
def test_a_java_of_17_or_later_will_do(tmp_path: Path, says: str) -> None:
    java(tmp_path / "programs", says)
    check_java()


def test_java_home_goes_before_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java(tmp_path / "programs", 'openjdk version "17.0.1"')
    (tmp_path / "home").mkdir()
    java(tmp_path / "home" / "bin", 'openjdk version "11.0.1"')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    with pytest.raises(UsageError, match="is Java 11"):
        check_java()


def test_a_conf_is_key_and_value() -> None:
    assert parse_conf(["spark.a=b=c", "spark.d="]) == {"spark.a": "b=c", "spark.d": ""}
    for wrong in ("spark.a", "a=b", "=b"):
        with pytest.raises(UsageError, match=r"--conf: expected spark\.KEY=VALUE"):
            parse_conf([wrong])


def test_small_dumps_keep_all_cores_busy_and_large_ones_come_in_small_parts() -> None:
    assert pieces(1_000, cores=2) == 8
    assert pieces(1_000, cores=100) == 200
    assert pieces(10**10, cores=100) == 1_250
    assert pieces(10**13, cores=100) == 20_000


# --- as a user meets it --------------------------------------------------------------------------------------


def test_without_pyspark_one_line_names_the_extra(
    wiretrace: Wiretrace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "pyspark.errors", None)
    (tmp_path / "d.jsonl").write_text('{"id": "a", "text": "One."}\n')
    ran = wiretrace("link", "--engine", "spark", "--in", "d.jsonl", "--out", "l.jsonl")
    assert (ran.code, ran.err) == (2, 'wiretrace: --engine spark needs an extra: pip install "wiretrace[spark]"\n')


def test_without_java_one_line_says_so(wiretrace: Wiretrace, tmp_path: Path) -> None:
    pytest.importorskip("pyspark")
    (tmp_path / "d.jsonl").write_text('{"id": "a", "text": "One."}\n')
    ran = wiretrace("link", "--engine", "spark", "--in", "d.jsonl", "--out", "l.jsonl")
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert "needs Java 17 or later, there is none" in ran.err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--engine", "spark", "--out", "-"], "--out: expected a file, a folder/ or a URL"),
        (["--engine", "spark", "--out", "l.jsonl", "--memory", "4G"], "--memory, --index: are the local engine's"),
        (["--engine", "spark", "--out", "l.jsonl", "--index", "i"], "--memory, --index: are the local engine's"),
        (["--engine", "spark", "--out", "l.jsonl", "--conf", "x=y"], "--conf: expected spark.KEY=VALUE"),
        (["--out", "l.jsonl", "--conf", "spark.x=y"], "--conf: needs --engine spark"),
    ],
)
def test_wrong_usage_is_told_in_one_line(wiretrace: Wiretrace, tmp_path: Path, given: list[str], said: str) -> None:
    (tmp_path / "d.jsonl").write_text('{"id": "a", "text": "One."}\n')
    ran = wiretrace("link", "--in", "d.jsonl", *given)
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert said in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["d.jsonl"]
