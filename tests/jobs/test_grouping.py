"""Rows of a dump that are one story, without roles."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crawler.interchange import Json, article_to_json
from crawler.jobs.batch_linking import EvidenceLevel, group_batch
from crawler.jobs.boilerplate import COMMON
from crawler.jobs.dumps import Columns, Row
from crawler.jobs.grouping import LARGE, Groups, Rows, group_rows
from crawler.jobs.keeping import Keep, Policy
from crawler.jobs.spool import Spool
from crawler.link import Linker
from crawler.link.kinship import FilledIn, contradict
from crawler.link.text import sentences
from crawler.model import Article, Role
from crawler.settings import LinkSettings
from tests.stories import story

FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
EARLIEST = Keep()


@pytest.fixture(scope="module")
def linker() -> Linker:
    return Linker(LinkSettings())


def page(identifier: str, text: str, *, url: str = "", day: int | None = None) -> Article:
    published = None if day is None else FIRST_DAY + timedelta(days=day)
    return Article(identifier, url, Role.AGGREGATOR, "", "", text, published=published)


def groups_of(linker: Linker, articles: Sequence[Article], keep: Keep = EARLIEST) -> Groups:
    with Spool() as spool:
        rows = Rows(spool)
        for number, article in enumerate(articles, 1):
            assert rows.add(Row(article, Path("dump.jsonl"), number), keep) is None
        return group_rows(linker, rows, keep)


def grouped(linker: Linker, articles: Sequence[Article], keep: Keep = EARLIEST) -> dict[str, Json]:
    found = {str(row["id"]): row for row in groups_of(linker, articles, keep).rows()}
    assert len(found) == len(articles)
    kept = [row["group"] for row in found.values() if row["keep"]]
    assert len(set(kept)) == len(kept)  # one of each group, which bears its id
    assert {row["group"] for row in found.values()} == set(kept)
    assert all(row["id"] == row["group"] for row in found.values() if row["keep"])
    return found


def named(*identifiers: str) -> list[Article]:
    return [story(one) for one in identifiers]


# --- what is one story ---------------------------------------------------------------------------------------


def test_the_rows_of_one_story_are_a_group_and_others_are_not(linker: Linker) -> None:
    rows = grouped(linker, named("ferry-original", "ferry-spun", "ferry-condensed", "ferry-independent", "port-severe"))
    assert {name: row["group"] for name, row in rows.items()} == {
        "ferry-original": "ferry-original",
        "ferry-spun": "ferry-original",
        "ferry-condensed": "ferry-original",
        "ferry-independent": "ferry-independent",
        "port-severe": "port-severe",
    }
    assert rows["ferry-original"] | {"reason": "earliest", "via": None, "score": None} == rows["ferry-original"]
    assert rows["ferry-spun"] | {"reason": "rewrite", "via": "ferry-original"} == rows["ferry-spun"]
    assert rows["port-severe"]["reason"] == "alone"


def test_copies_without_an_original_are_a_group(linker: Linker) -> None:
    orphan = story("cable-orphan")
    other = replace(orphan, id="copy", text=orphan.text.replace(" the ", " that ", 3) + "\n\nShare this story.")
    rows = grouped(linker, [replace(orphan, role=Role.AGGREGATOR), other])
    assert len({row["group"] for row in rows.values()}) == 1


def test_equal_texts_are_a_group_however_short_and_whatever_their_spaces(linker: Linker) -> None:
    rows = grouped(linker, [page("a", "The shop  is closed."), page("b", "The shop is\nclosed."), page("c", "Closed.")])
    assert rows["b"] | {"group": "a", "reason": "same-text", "via": "a"} == rows["b"]
    assert rows["c"]["reason"] == "alone"


def test_rows_without_words_are_no_copies_of_each_other(linker: Linker) -> None:
    assert [row["keep"] for row in grouped(linker, [page("a", ""), page("b", " ")]).values()] == [True, True]


def test_a_row_with_the_text_of_a_member_says_by_which_one_it_joined(linker: Linker) -> None:
    twice = replace(story("ferry-spun"), id="again", published=None)
    rows = grouped(linker, [*named("ferry-original", "ferry-spun"), twice])
    assert rows["again"] | {"group": "ferry-original", "via": "ferry-spun", "reason": "same-text"} == rows["again"]
    assert rows["again"]["score"] == rows["ferry-spun"]["score"]


def test_when_a_page_was_seen_and_who_printed_it_plays_no_part(linker: Linker) -> None:
    early = replace(story("ferry-spun"), first_seen=FIRST_DAY - timedelta(days=900), publisher="Barron's")
    rows = grouped(linker, [story("ferry-original"), early])
    assert rows["ferry-spun"]["group"] == "ferry-original"


# --- nothing joins by way of a third -------------------------------------------------------------------------


def prose() -> list[str]:
    """Sentences of several stories, one after the other."""
    texts = [story(one).text for one in ("ferry-original", "dam-original", "port-original", "election-original")]
    return [text[span.start : span.end] for text in texts for span in sentences(text)]


def test_a_chain_of_texts_that_drift_apart_is_no_group(linker: Linker) -> None:
    lines = prose()
    assert len(lines) > 60
    # Neighbours have three quarters in common, the fourth neighbour nothing.
    chain = {f"link-{place:02}": lines[place * 4 : place * 4 + 16] for place in range(12)}
    rows = grouped(linker, [page(name, " ".join(held), day=len(name)) for name, held in chain.items()])
    assert len({row["group"] for row in rows.values()}) >= 3
    for name, row in rows.items():
        assert set(chain[name]) & set(chain[row["group"]]), row


@pytest.mark.parametrize("days", [(1, 2, 3), (3, 2, 1), (2, 1, 3)])
def test_what_two_stories_have_in_common_with_a_third_does_not_join_them(
    linker: Linker, days: tuple[int, int, int]
) -> None:
    one, other = (story(name).text.split("\n\n") for name in ("ferry-original", "port-original"))
    between = "\n\n".join([*one[: len(one) * 3 // 4], *other[len(other) // 4 :]])
    texts = {"a": "\n\n".join(one), "b": between, "c": "\n\n".join(other)}
    rows = grouped(linker, [page(name, text, day=day) for (name, text), day in zip(texts.items(), days, strict=True)])
    assert rows["a"]["group"] != rows["c"]["group"] or rows["b"]["keep"]
    assert all(row["keep"] or row["via"] == row["group"] for row in rows.values())


# --- templates -----------------------------------------------------------------------------------------------

OPENING_HOURS = """{town} has {count} inhabitants.

This page lists the opening hours of the public library and the town hall. The library lends books, music and games \
for all ages, four weeks at a time. It is open from Monday to Friday. Information is given without guarantee: ask at \
the counter before you come a long way."""


def town(random_: random.Random) -> str:
    return "".join(random_.choice(("ba", "de", "lo", "mi", "na", "ru", "so", "ti", "va")) for _ in range(5)).title()


def test_five_thousand_pages_of_one_template_are_no_group(linker: Linker) -> None:
    dice = random.Random(5)
    texts = [OPENING_HOURS.format(town=town(dice), count=dice.randint(500, 90_000)) for _ in range(5_000)]
    copies = [page(f"copy-{number}", texts[0].replace("\n\n", "\n")) for number in range(3)]
    found = groups_of(linker, [page(f"page-{number:04}", text) for number, text in enumerate(texts)] + copies)
    sizes = sorted(found.sizes().values())
    assert sizes[-1] == 4  # the page and its copies
    assert len(sizes) == 5_000


READING_ROOM = """{town} is a town with {count} inhabitants. This page lists the opening hours of the public library, \
the town hall and the swimming pool. Information is supplied without guarantee, please ask at the town hall before \
your visit.

The library is open from Monday to Friday and offers books, music and magazines for all ages. Members may borrow up \
to ten items at a time for a period of four weeks. The reading room is open to everybody. For events see the notice \
board at the entrance or ask the staff, who are glad to help."""


def test_a_form_that_is_filled_in_with_other_names_is_no_copy(linker: Linker) -> None:
    dice = random.Random(6)
    texts = [READING_ROOM.format(town=town(dice), count=dice.randint(500, 90_000)) for _ in range(COMMON // 2)]
    rows = grouped(linker, [page(f"page-{number}", text) for number, text in enumerate(texts)])
    assert all(row["reason"] == "alone" for row in rows.values())


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        (FilledIn({1: 9.0}, {}), FilledIn({2: 9.0}, {}), True),  # another name in its place
        (FilledIn({1: 9.0}, {5: 8.0}), FilledIn({1: 9.0}, {6: 8.0}), True),  # the same place on another day
        (FilledIn({1: 9.0, 2: 9.0}, {5: 8.0}), FilledIn({1: 9.0, 2: 9.0}, {6: 8.0}), False),  # a story under two dates
        (FilledIn({1: 9.0, 2: 9.0}, {}), FilledIn({1: 9.0}, {}), False),  # one with more furniture
        (FilledIn({1: 4.0}, {}), FilledIn({2: 4.0}, {}), False),  # too little to tell
    ],
)
def test_texts_contradict_each_other_by_what_each_has_alone(here: FilledIn, there: FilledIn, expected: bool) -> None:
    assert contradict(here, there) is contradict(there, here) is expected


def test_a_disclaimer_below_many_stories_does_not_join_them(linker: Linker) -> None:
    lines = prose()
    stories = [" ".join(lines[place * 3 : place * 3 + 3]) for place in range(COMMON + 2)]
    disclaimer = "\n\n" + story("bakery-original").text[:1_500]
    rows = grouped(linker, [page(f"s{number:02}", text + disclaimer) for number, text in enumerate(stories)])
    assert all(row["keep"] for row in rows.values())


def test_a_story_that_many_sites_print_with_lines_of_their_own_is_one_group(linker: Linker) -> None:
    dice, text = random.Random(7), story("bakery-original").text
    printed = [
        page(
            f"p{number:02}",
            f"{town(dice)} Post readers met this first.\n\n{text}",
            url=f"https://{town(dice)}.example/a",
        )
        for number in range(COMMON + 5)
    ]
    assert len({row["group"] for row in grouped(linker, printed).values()}) == 1


def test_groups_of_over_a_thousand_rows_are_reported(linker: Linker) -> None:
    found = groups_of(linker, [page(f"p{number:04}", "One and the same.") for number in range(LARGE + 1)])
    assert found.large() == [("p0000", LARGE + 1)]


# --- which is kept -------------------------------------------------------------------------------------------


def copies() -> list[Article]:
    text = story("ferry-original").text
    return [
        page("late", text + "\n\nMore tomorrow.", url="https://best.example/1", day=9),
        page("early", text + "\n\nMore soon.", url="https://www.good.example/2", day=1),
        page("undated", text + "\n\nMore will follow here in the coming days.", url="https://news.good.example/3"),
    ]


@pytest.mark.parametrize(
    ("keep", "kept", "reason"),
    [
        (Keep(Policy.EARLIEST), "early", "earliest"),
        (Keep(Policy.LONGEST), "undated", "longest"),
        (Keep(Policy.PREFERRED, {"best.example": 0, "good.example": 1}), "late", "preferred"),
        (Keep(Policy.PREFERRED, {"news.good.example": 0, "good.example": 1}), "undated", "preferred"),
        (Keep(Policy.PREFERRED, {"elsewhere.example": 0}), "early", "first-id"),
    ],
)
def test_the_row_that_is_kept_is_the_preferred_one(linker: Linker, keep: Keep, kept: str, reason: str) -> None:
    rows = grouped(linker, copies(), keep)
    assert {row["group"] for row in rows.values()} == {kept}
    assert rows[kept]["reason"] == reason


def test_a_kept_row_may_stem_from_a_dropped_one(linker: Linker) -> None:
    keep = Keep(Policy.PREFERRED, {"short.example": 0})
    short = replace(story("ferry-condensed"), url="https://short.example/a")
    rows = grouped(linker, [story("ferry-original"), short], keep)
    assert rows["ferry-original"] | {"group": "ferry-condensed", "reason": "rewritten"} == rows["ferry-original"]


def test_a_story_is_not_dropped_for_a_page_that_lifted_from_it(linker: Linker) -> None:
    keep = Keep(Policy.PREFERRED, {"lifter.example": 0})
    lifted = replace(story("ferry-lifted"), url="https://lifter.example/a")
    assert all(row["keep"] for row in grouped(linker, [story("ferry-original"), lifted], keep).values())


# --- the order of the input ----------------------------------------------------------------------------------


def dump(path: Path, articles: Sequence[Article]) -> Path:
    path.write_text("".join(json.dumps(article_to_json(one)) + "\n" for one in articles), encoding="utf-8")
    return path


@pytest.mark.parametrize("policy", [Policy.EARLIEST, Policy.LONGEST])
def test_groups_and_links_are_the_same_whatever_the_order_of_the_rows(
    linker: Linker, tmp_path: Path, policy: Policy
) -> None:
    articles = named(
        "ferry-original", "ferry-spun", "ferry-condensed", "ferry-lifted", "pump-original", "pump-copy", "pump-release",
        "pump-common-source", "drug-original", "drug-spun", "drug-followup",
    )  # fmt: skip
    articles += [
        replace(story("pump-copy"), id="again", url=""),
        replace(story("drug-spun"), id="dateless", published=None),
    ]
    said = set()
    for seed in range(4):
        random.Random(seed).shuffle(articles)
        files = [dump(tmp_path / "1.jsonl", articles[:5]), dump(tmp_path / "2.jsonl", articles[5:])]
        out, groups = io.StringIO(), io.StringIO()
        group_batch(linker, files, out, groups, columns=Columns(), keep=Keep(policy), on_fault=pytest.fail)
        said.add((out.getvalue(), groups.getvalue()))
    assert len(said) == 1


# --- what each row stems from --------------------------------------------------------------------------------


def links_of(linker: Linker, path: Path, articles: Sequence[Article], keep: Keep = EARLIEST) -> dict[str, Json]:
    out = io.StringIO()
    level = EvidenceLevel.FULL
    group_batch(
        linker, [dump(path, articles)], out, None, columns=Columns(), keep=keep, evidence=level, on_fault=pytest.fail
    )
    return {row["rewrite"]: row for row in map(json.loads, out.getvalue().splitlines())}


def test_links_of_a_dump_without_roles_have_a_row_each(linker: Linker, tmp_path: Path) -> None:
    twice = replace(story("ferry-original"), id="twice", published=None)
    rows = links_of(linker, tmp_path / "d.jsonl", [*named("ferry-original", "ferry-spun", "port-severe"), twice])
    assert {name: row["original"] for name, row in rows.items()} == {
        "ferry-original": None,
        "ferry-spun": "ferry-original",
        "port-severe": None,
        "twice": "ferry-original",
    }
    assert (rows["twice"]["relation"], rows["twice"]["score"]) == ("copy", 1.0)


def test_a_link_goes_from_the_rewrite_to_its_original_whichever_is_kept(linker: Linker, tmp_path: Path) -> None:
    keep = Keep(Policy.PREFERRED, {"short.example": 0})
    short = replace(story("ferry-condensed"), url="https://short.example/a")
    rows = links_of(linker, tmp_path / "d.jsonl", [story("ferry-original"), short], keep)
    assert rows["ferry-original"]["original"] is None
    assert rows["ferry-condensed"]["original"] == "ferry-original"


def test_evidence_holds_for_the_text_with_its_boilerplate(linker: Linker, tmp_path: Path) -> None:
    head = "Members of this site read every story without a wait, on all their screens.\n\n"
    lines = prose()
    pages = [page(f"p{place:02}", head + " ".join(lines[place * 3 : place * 3 + 3])) for place in range(COMMON)]
    pages += [replace(one, text=head + one.text) for one in named("drug-original", "drug-spun")]
    rows = links_of(linker, tmp_path / "d.jsonl", pages)
    assert rows["drug-spun"]["original"] == "drug-original"
    passages = [piece["rewrite"] for piece in rows["drug-spun"]["evidence"] if piece["kind"] == "passage"]
    assert min(start for start, _ in passages) >= len(head)
    text = head + story("drug-spun").text
    assert all(text[start:end].strip() == text[start:end] != "" for start, end in passages)
