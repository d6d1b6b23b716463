"""The Spark engine beside the local one, on the same dumps: row for row, fault for fault."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from crawler.errors import UsageError
from crawler.interchange import Json
from crawler.spark.joining import Stages
from crawler.spark.session import SparkFailed, check_java
from tests.cli.conftest import Wiretrace, wiretrace

__all__ = ["wiretrace"]  # a fixture

CORPORA = Path(__file__).parents[2] / "benchmarks" / "stories"
CONF = [
    "--conf", "spark.sql.shuffle.partitions=4", "--conf", "spark.ui.enabled=false", "--conf", "spark.driver.memory=1g",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _java() -> None:
    pytest.importorskip("pyspark", reason="PySpark is not installed: pip install 'wiretrace[spark]'")
    pytest.importorskip("pandas", reason="pandas is not installed: pip install 'wiretrace[spark]'")
    try:
        check_java()
    except UsageError as error:
        pytest.skip(str(error))


def corpus(name: str) -> list[Json]:
    with (CORPORA / name / "articles.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write(path: Path, rows: Iterable[Json | str]) -> Path:
    lines = "".join((row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)) + "\n" for row in rows)
    data = lines.encode("utf-8")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def both(wiretrace: Wiretrace, tmp_path: Path, given: Sequence[object], *outputs: str) -> list[str]:
    """Runs both engines; their last words, after all that they wrote was found equal."""
    said = []
    for engine in ("local", "spark"):
        (tmp_path / engine).mkdir()
        named = [part for output in outputs for part in (f"--{output}", f"{engine}/{output}.jsonl")]
        conf = CONF if engine == "spark" else []
        ran = wiretrace("link", "--engine", engine, *given, *named, "--rejects", f"{engine}/bad.jsonl", *conf)
        assert ran.code == 0, ran.err
        said.append(ran.err.splitlines()[-1])
    assert said[0] == said[1]
    for name in [f"{output}.jsonl" for output in outputs] + ["bad.jsonl"]:
        local, spark = tmp_path / "local" / name, tmp_path / "spark" / name
        assert spark.exists() == local.exists(), name
        if local.exists():
            assert spark.read_text(encoding="utf-8") == local.read_text(encoding="utf-8"), name
    assert not list(tmp_path.glob("spark/*.work"))
    return said


@pytest.mark.cluster
def test_links_and_faults_are_those_of_the_local_engine(wiretrace: Wiretrace, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow as arrow

    spring, autumn = corpus("spring"), corpus("autumn")
    originals = [row for row in spring if row["role"] != "aggregator"]
    pages = [row for row in spring if row["role"] == "aggregator"]
    write(tmp_path / "wire" / "a.jsonl.gz", [*originals[:15], originals[0] | {"text": "Another text of one id."}])
    write(tmp_path / "wire" / "b.jsonl", [*originals[10:], {"text": pages[3]["text"], "title": "Without an id"}])
    mixed: list[Json | str] = [*pages[:60], "nonsense", "", "[1]", pages[5], pages[0] | {"id": originals[0]["id"]}]
    mixed += [{"id": "no-text"}, {"text": pages[7]["text"]}, *originals[:2], {"id": "x", "text": "x", "role": "king"}]
    write(tmp_path / "pages" / "a.jsonl", mixed)
    (tmp_path / "pages" / "a.jsonl").open("ab").write(b'{"id": "\xff\xfe", "text": "no UTF-8"}\n')
    rows = [{name: row.get(name) for name in ("id", "url", "published", "title", "text")} for row in pages[50:]]
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "pages" / "b.parquet")
    write(tmp_path / "pages" / "c.jsonl", [row for row in autumn if row["role"] == "aggregator"][:40])
    given = ["--in", "pages", "--in", "wire/b.jsonl", "--originals", "wire", "--evidence", "full"]
    said = both(wiretrace, tmp_path, given, "out")
    assert said[0].endswith("faults=30")


@pytest.mark.cluster
def test_groups_are_those_of_the_local_engine(wiretrace: Wiretrace, tmp_path: Path) -> None:
    rows: list[Json | str] = [*corpus("spring"), *corpus("autumn")]
    notice = "Our offices are open on weekdays from nine to five, and on Saturdays until noon."
    rows += [{"id": f"shop-{n}", "url": f"https://shop.example/{n}", "text": f"Item {n} is blue. {notice}"} for n in range(30)]  # noqa: E501  # fmt: skip
    rows += [rows[3], "nonsense"]
    write(tmp_path / "dump.jsonl", rows)
    said = both(wiretrace, tmp_path, ["--in", "dump.jsonl", "--self", "--keep", "longest"], "out", "groups")
    assert said[0].endswith("faults=2")


@pytest.mark.cluster
def test_what_very_many_pages_share_is_joined_apart_to_the_same_rows(
    wiretrace: Wiretrace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.spark.joining.HOT", 2)
    monkeypatch.setattr("crawler.spark.linking._MOST_GATHERED", 300)
    rows = corpus("spring")
    pages = [row | {"id": f"{row['id']}-{n}"} for row in rows if row["role"] == "aggregator" for n in range(4)]
    # A key that more originals have than a search reads.
    stock = [rows[0] | {"id": f"stock-{n}", "role": "origin", "text": "Fridays at Quennerdale."} for n in range(400)]
    write(tmp_path / "dump.jsonl", [*rows, *pages, *stock])
    both(wiretrace, tmp_path, ["--in", "dump.jsonl"], "out")


@pytest.mark.cluster
def test_words_are_weighed_by_the_dump_alike(wiretrace: Wiretrace, tmp_path: Path) -> None:
    write(tmp_path / "dump.jsonl", corpus("year"))
    both(wiretrace, tmp_path, ["--in", "dump.jsonl", "--count-idf", "--linked-only"], "out")


@pytest.mark.full
def test_thousands_of_articles_are_linked_alike(wiretrace: Wiretrace, tmp_path: Path) -> None:
    write(tmp_path / "dump.jsonl", synthetic(corpus("spring") + corpus("autumn"), 2_000))
    both(wiretrace, tmp_path, ["--in", "dump.jsonl", "--evidence", "none"], "out")


def synthetic(stories: Sequence[Json], count: int) -> Iterable[Json]:
    """Articles of sentences of many stories, some of them mostly of one, a fifth of them originals."""
    source = random.Random(7)
    texts = [[part for part in row["text"].replace("\n\n", " ").split(". ") if part] for row in stories]
    for number in range(count):
        one, *others = source.sample(texts, 6)
        parts = one[: source.randrange(8)] + [source.choice(other) for other in others for _ in range(2)]
        yield {
            "id": f"s{number}",
            "role": "origin" if number % 5 == 0 else "aggregator",
            "title": f"Story {number}",
            "text": ". ".join(parts)[:700],
        }


@pytest.mark.full
def test_a_folder_of_parts_holds_the_same_rows_in_the_same_order(wiretrace: Wiretrace, tmp_path: Path) -> None:
    write(tmp_path / "dump.jsonl", corpus("spring"))
    assert wiretrace("link", "--in", "dump.jsonl", "--out", "local.jsonl").code == 0
    ran = wiretrace("link", "--engine", "spark", "--in", f"file://{tmp_path}/dump.jsonl", "--out", "parts/", *CONF)
    assert ran.code == 0, ran.err
    parts = sorted((tmp_path / "parts").glob("part-*.jsonl"))
    assert "".join(part.read_text("utf-8") for part in parts) == (tmp_path / "local.jsonl").read_text("utf-8")
    manifest = json.loads((tmp_path / "parts" / "_manifest.json").read_text("utf-8"))
    assert (manifest["engine"], manifest["finished"]) == ("spark", True)
    again = wiretrace("link", "--engine", "spark", "--in", "dump.jsonl", "--out", "parts/", *CONF)
    assert again.code == 2
    assert "holds other files" in again.err.splitlines()[-1]


@pytest.mark.cluster
def test_a_job_that_broke_off_takes_up_the_steps_that_are_there(
    wiretrace: Wiretrace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise SparkFailed("the cluster is gone")

    write(tmp_path / "dump.jsonl", corpus("spring"))
    given = ("link", "--engine", "spark", "--in", "dump.jsonl", "--out", "links.jsonl", *CONF)
    with monkeypatch.context() as patch:
        patch.setattr("crawler.spark.linking.decisions", lost)
        ran = wiretrace(*given)
    assert (ran.code, ran.err.splitlines()[-1]) == (1, "wiretrace: the cluster is gone")
    assert not (tmp_path / "links.jsonl").exists()
    made: list[str] = []
    keep = Stages.keep

    def noted(stages: Stages, name: str, frame: Any) -> Any:
        if not stages.done(name):
            made.append(name)
        return keep(stages, name, frame)

    monkeypatch.setattr(Stages, "keep", noted)
    assert wiretrace(*given).code == 0
    assert made == ["decided"]
    assert wiretrace("link", "--in", "dump.jsonl", "--out", "local.jsonl").code == 0
    assert (tmp_path / "links.jsonl").read_bytes() == (tmp_path / "local.jsonl").read_bytes()
