"""A sheet of random stored pages, reviewed by a person, tells the share of rewrites in the store."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.clock import SystemClock
from crawler.errors import InputError
from crawler.evaluate.estimate import estimate, estimate_from
from crawler.evaluate.outcomes import Passage
from crawler.evaluate.sampling import STRATA, Row, Sample, Scored, allocation, sample, stratum
from crawler.evaluate.sheet import COLUMNS, Review, Reviewed, read_sheet, write_sheet
from crawler.link import Linker
from crawler.link.markers import JOURNAL
from crawler.model import Relation, Role
from crawler.settings import DatabaseSettings, LinkSettings, Settings, SourceSettings
from crawler.store import Store
from tests.link import stories
from tests.link.stories import article, original

PAGE = article("page", "…", title="=HYPERLINK(0)", publisher="@portal")
ROW = Row(
    page=PAGE,
    original=original("canal", "…", title="A canal\r\nis closed"),
    score=0.93,
    linked=True,
    relation=Relation.REWRITE,
    passages=(Passage("+1 is said", "-1 was said", 0.8),),
    stratum="0.8 and above",
    share=0.1,
    weight=2.5,
)


def rows_of(drawn: Sample) -> list[dict[str, str]]:
    out = io.StringIO()
    write_sheet(drawn, out)
    return list(csv.DictReader(io.StringIO(out.getvalue(), newline="")))


def saved(path: Path, rows: list[dict[str, str]], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_no_cell_of_a_sheet_is_a_formula() -> None:
    (row,) = rows_of(Sample((ROW,), pages=25, scored=25))
    assert (row["page_title"], row["page_publisher"]) == ("'=HYPERLINK(0)", "'@portal")
    assert (row["page_passage_1"], row["original_passage_1"]) == ("'+1 is said", "'-1 was said")
    assert row["original_title"] == "A canal is closed"
    assert (row["verdict"], row["page_id"], row["original_id"]) == ("", "page", "canal")


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_sheet_comes_back_from_a_spreadsheet_of_another_country(tmp_path: Path, delimiter: str) -> None:
    (row,) = rows_of(Sample((ROW,), pages=250, scored=25))
    share = "0,1" if delimiter == ";" else "0.1"
    found = read_sheet(saved(tmp_path / "sheet.csv", [row | {"verdict": " Yes", "stratum_share": share}], delimiter))
    assert found == Review((Reviewed(True, True, "0.8 and above", 0.1),), scored=25, pages=250)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"verdict": "maybe"}, r"sheet.csv:2: verdict: expected yes, no or nothing, got 'maybe'"),
        ({"stratum_share": "much"}, r"sheet.csv:2: stratum_share: expected the number"),
        ({"scored": ""}, r"sheet.csv:2: scored: expected the number"),
    ],
)
def test_a_cell_that_says_nothing_is_told_with_its_line(tmp_path: Path, change: dict[str, str], expected: str) -> None:
    (row,) = rows_of(Sample((ROW,), pages=25, scored=25))
    with pytest.raises(InputError, match=expected):
        read_sheet(saved(tmp_path / "sheet.csv", [row | change]))


def test_a_file_that_is_no_sheet_is_told(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("name,price\nrope,3\n")
    with pytest.raises(InputError, match="lacks the column verdict"):
        estimate_from(tmp_path / "other.csv")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        estimate_from(tmp_path / "bytes.csv")


# --- the estimate ------------------------------------------------------------------------------------------


def review(strata: dict[str, tuple[float, str]], scored: int = 1_000, pages: int = 1_000) -> Review:
    """Strata with their share and a letter a row: y, n, or a dot for no verdict."""
    words = {"y": True, "n": False, ".": None}
    rows = [Reviewed(words[letter], False, name, share) for name, (share, row) in strata.items() for letter in row]
    return Review(tuple(rows), scored, pages)


def test_strata_weigh_what_they_stand_for_and_not_what_was_drawn_of_them() -> None:
    found = estimate(review({"low": (0.9, "n" * 30), "high": (0.1, "y" * 15 + "n" * 5 + ".")}), Path("sheet.csv"))
    assert found.share == pytest.approx(0.075)
    assert (found.reviewed, found.left_out, found.rewrites, found.base_rate) == (50, 1, 15, 0.075)
    assert found.low < 0.075 < found.high


def test_a_stratum_without_a_rewrite_is_not_taken_for_free_of_them() -> None:
    found = estimate(review({"low": (1.0, "n" * 40)}), Path("sheet.csv"))
    assert (found.share, found.low, found.base_rate) == (0.0, 0.0, None)
    assert 0.05 < found.high < 0.15


def test_few_scored_pages_make_the_interval_wider() -> None:
    strata = {"low": (0.9, "n" * 200), "high": (0.1, "y" * 200)}
    known, guessed = (estimate(review(strata, scored=scored, pages=100_000), Path("s")) for scored in (100_000, 400))
    assert guessed.low < known.low
    assert guessed.high > known.high


def test_a_sheet_with_a_stratum_gone_or_unread_is_refused() -> None:
    with pytest.raises(InputError, match="rows of every stratum"):
        estimate(review({"low": (0.9, "nnn")}), Path("sheet.csv"))
    with pytest.raises(InputError, match="a verdict in at least one row of the stratum 'high'"):
        estimate(review({"low": (0.9, "nnn"), "high": (0.1, "..")}), Path("sheet.csv"))


def test_the_interval_holds_the_true_share_about_as_often_as_it_says() -> None:
    chance = random.Random(5)
    truth = {"low": (0.95, 0.004), "high": (0.05, 0.9)}
    share = sum(weight * rate for weight, rate in truth.values())
    held = 0
    for _ in range(400):
        letters = {
            name: (weight, "".join("y" if chance.random() < rate else "n" for _ in range(60)))
            for name, (weight, rate) in truth.items()
        }
        found = estimate(review(letters), Path("sheet.csv"))
        held += found.low <= share <= found.high
    assert held >= 0.93 * 400


# --- what is drawn -----------------------------------------------------------------------------------------

SCORES = st.lists(st.floats(0, 1), max_size=60)


@given(scores=SCORES, count=st.integers(10, 80))
def test_every_stratum_is_seen_and_no_row_is_wasted(scores: list[float], count: int) -> None:
    members = [Scored(str(place), None, score, False) for place, score in enumerate(scores)]
    strata = [[one for one in members if stratum(one.score) == name] for _, name in STRATA]
    given_rows = allocation(strata, count)
    assert sum(given_rows) == min(count, len(scores))
    assert all(min(len(held), 2) <= rows <= len(held) for held, rows in zip(strata, given_rows, strict=True))


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    """A store with one original, two rewrites of it and thirty pages about something else."""
    opens = SourceSettings(
        name="Wire", url="https://wire.example/feed", role=Role.ORIGIN, publisher=JOURNAL, redistribute=True
    )
    database = DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path / 'wire.db'}")
    settings = Settings(database=database, sources=(opens,))
    linker = Linker(LinkSettings())
    held = [
        original("canal", stories.CANAL),
        article("spun", stories.CANAL_SPUN),
        article("cut", stories.CANAL_CONDENSED),
    ]
    held += [article(f"other-{place}", f"{stories.SPANISH}\n\nNota {place}.") for place in range(30)]
    async with await Store.open(settings.database, SystemClock()) as store:
        for one in held:
            await store.store_article(one, linker.fingerprint(one))
    return settings


async def drawn_from(settings: Settings, count: int) -> Sample:
    return await sample(settings, count, clock=SystemClock(), chance=random.Random(3), processes=0)


async def test_a_sheet_shows_rare_rewrites_and_says_what_each_row_stands_for(settings: Settings) -> None:
    drawn = await drawn_from(settings, 12)
    assert (drawn.pages, drawn.scored, len(drawn.rows)) == (32, 32, 12)
    assert {"spun", "cut"} <= {row.page.id for row in drawn.rows}
    assert sum(row.weight for row in drawn.rows) == pytest.approx(32)
    spun = next(row for row in drawn.rows if row.page.id == "spun")
    assert spun.original is not None
    assert (spun.original.id, spun.linked, spun.relation) == ("canal", True, Relation.REWRITE)
    assert spun.passages[0].original.rstrip("…") in " ".join(stories.CANAL.split())
    assert all(row.page.role is Role.AGGREGATOR for row in drawn.rows)


async def test_a_sheet_that_is_reviewed_tells_the_share_of_rewrites(settings: Settings, tmp_path: Path) -> None:
    rows = rows_of(await drawn_from(settings, 20))
    for row in rows:
        row["verdict"] = "yes" if row["page_id"] in {"spun", "cut"} else "no"
    found = estimate_from(saved(tmp_path / "sheet.csv", rows))
    assert found.share == pytest.approx(2 / 32, abs=1e-6)
    assert found.low < 2 / 32 < found.high
    assert (found.linked, found.linked_right) == (2, 2)


async def test_a_store_with_fewer_pages_than_asked_for_gives_them_all(settings: Settings) -> None:
    drawn = await drawn_from(settings, 500)
    assert Counter(row.page.id for row in drawn.rows).most_common(1)[0][1] == 1
    assert len(drawn.rows) == 32


async def test_an_empty_store_gives_a_sheet_of_no_rows(tmp_path: Path) -> None:
    empty = Settings(database=DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"))
    assert await drawn_from(empty, 10) == Sample((), pages=0, scored=0)
