"""The benchmark of linking runs on a corpus and prints what it promises."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def benchmark(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    ran = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / name, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran


@pytest.mark.full
def test_the_cost_of_linking_is_told_for_every_kind_of_index() -> None:
    spring = ROOT / "benchmarks" / "stories" / "spring"
    told = benchmark(
        "link_speed.py",
        *(spring, spring / "articles.jsonl", "--originals", "100", "--pages", "5", "--sqlite", "--postgres"),
    ).stdout
    for index in ("memory", "SQLite", "PostgreSQL"):
        assert f"  {index}: " in told
    assert told.count("unrelated: mean") == 3
    assert "the original is among those aligned for 5 of 5 rewrites" in told


@pytest.mark.full
def test_the_benchmark_measures_corpora_and_lists_links_between_unrelated_texts(tmp_path: Path) -> None:
    stories = ROOT / "benchmarks" / "stories"
    pool = tmp_path / "pool.jsonl"
    first = json.loads((stories / "spring" / "articles.jsonl").read_text("utf-8").splitlines()[0])
    pool.write_text("".join(json.dumps(first | {"id": name}) + "\n" for name in ("one", "two")), "utf-8")
    ran = benchmark(
        "linking.py",
        *(stories / "spring", "--kept-aside", stories / "autumn", "--no-cross-validation"),
        *("--pool", pool, "--processes", "2", "--json", tmp_path / "figures.json"),
    )
    for dates in json.loads((tmp_path / "figures.json").read_text("utf-8")).values():
        assert {"copy", "spun", "lifted"} <= {row["kind"] for row in dates["kept aside"]["kinds"]}
        pairs = {(link["page"], link["original"]) for link in dates["unrelated"]["links"]}
        assert ("one", "two") in pairs or ("one", first["id"]) in pairs  # the same text under two ids
    assert "unrelated texts" in ran.stderr


@pytest.mark.full
def test_the_cost_of_growth_is_told_for_each_size_and_engine() -> None:
    spring = ROOT / "benchmarks" / "stories" / "spring"
    sizes = ("--sizes", "200", "400", "--pages", "5", "--partitions", "2")
    told = benchmark("scale.py", spring, spring / "articles.jsonl", *sizes, "--sqlite", "--postgres").stdout
    rows = [line.split() for line in told.splitlines()[1:]]
    measured = [row for row in rows if "5/5" in row]
    assert [row[:2] for row in measured] == [
        [name, size] for name in ("SQLite", "PostgreSQL") for size in ("200", "400")
    ]
    assert sum("partitions" in row for row in rows) == 2
    assert "the engine counts" not in told


@pytest.mark.full
def test_the_loss_by_hashed_originals_is_told_and_is_next_to_nothing() -> None:
    told = benchmark("imprints.py", ROOT / "benchmarks" / "stories" / "spring").stdout
    assert "other decisions: 0 of" in told
    assert "other relations: 0 of" in told
