"""Several worker processes on one PostgreSQL crawl the sample web as one does; and the judge of that."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from many_workers import Held, asked_again, asked_too_soon, differences
from retelling import WORD, Retelling

from crawler.demo.stories import Stories
from crawler.demo.web import SampleWeb, Visit

ROOT = Path(__file__).parents[2]


@pytest.mark.full
def test_four_workers_ask_for_each_page_once_in_its_time_and_link_as_one_does() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "many_workers.py", "--times", "1", "--workers", "4", "--json"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    told = json.loads(done.stdout)
    together, alone = told["crawls"]
    assert (together["faults"], alone["faults"], told["differences"]) == ([], [], [])
    assert done.returncode == 0
    assert (together["workers"], alone["workers"]) == (4, 1)
    assert together["links"] == alone["links"] > 30
    assert together["addresses"] == alone["addresses"] > 70


def visited(*visits: Visit) -> list[SampleWeb]:
    web = SampleWeb()
    web.port = 8_080
    web.requests.extend(visits)
    return [web]


def test_a_page_that_is_asked_for_twice_is_told_but_not_robots() -> None:
    webs = visited(*(Visit("a.localhost", path, 200) for path in ("/1", "/robots.txt", "/1", "/robots.txt", "/2")))
    assert asked_again(webs) == ["a.localhost:8080/1"]


@pytest.mark.parametrize(
    ("times", "faults"),
    [
        ((0.0, 1.0, 2.0), 0),
        ((0.0, 1.6, 2.0), 0),  # the second was late, the third in its time
        ((0.0, 1.0, 1.1), 2),
        ((0.0, 0.5, 1.0, 1.5), 1),
    ],
)
def test_requests_that_come_too_soon_are_told(times: tuple[float, ...], faults: int) -> None:
    webs = visited(*(Visit("a.localhost", f"/{at}", 200, at) for at in times))
    assert len(asked_too_soon(webs, 1.0)) == faults
    apart = visited(*(Visit(f"{at}.localhost", "/", 200, at) for at in times))
    assert asked_too_soon(apart, 1.0) == []


def test_a_link_to_another_story_or_a_missing_article_is_a_difference() -> None:
    one = Held(frozenset({"a", "b"}), frozenset({("a", "x", "rewrite")}), 0)
    assert differences(one, one) == []
    assert len(differences(one, Held(one.articles, frozenset({("a", "y", "rewrite")}), 0))) == 1
    assert differences(Held(frozenset({"a"}), one.links, 0), one) == [
        "articles: 1 that one worker has are missing, 0 it has not: b"
    ]


def test_copies_of_the_sample_web_tell_of_other_things_but_share_as_much_with_their_originals() -> None:
    stories = Stories.bundled()
    retelling = Retelling(stories)
    assert retelling.copy(0) is stories
    texts = {article.text for number in range(3) for article in retelling.copy(number).articles}
    assert len(texts) == 3 * len(stories.articles)
    assert retelling.copy(2) == retelling.copy(2)

    def shared(told: Stories) -> int:
        original, rewrite = (
            {word.lower() for word in WORD.findall(one.text)}
            for name in ("ferry-original", "ferry-spun")
            for one in told.articles
            if one.id == name
        )
        return len(original & rewrite)

    other = retelling.copy(1)
    assert shared(other) == pytest.approx(shared(stories), abs=2)  # two words may become one
    words = {one.words for one in other.hyperlinks}
    assert all(any(each in article.text for article in other.articles) for each in words)
