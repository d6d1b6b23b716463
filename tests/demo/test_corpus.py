"""The bundled stories: whole, labelled, and written as far apart as their kinds say."""

from __future__ import annotations

import json
import re
from collections import Counter

import aiohttp
import pytest

from crawler.demo.sites import SITES
from crawler.demo.stories import CORPUS, Kind, Stories, blocks, host_label
from crawler.demo.web import SampleWeb
from crawler.model import Role
from tests.demo.conftest import Client
from tests.demo.test_web import PAGE_HOSTS, visible

NO_LINK = {"independent", "followup", "orphan"}
NOT_COPIED = {"spun", "severe", "independent", "followup"}
RUN = 8  # words in a row that a reworded text may not share


@pytest.fixture(scope="module")
def stories() -> Stories:
    return Stories.bundled()


@pytest.fixture(scope="module")
def links() -> list[dict[str, str]]:
    with (CORPUS / "links.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def words(text: str) -> list[str]:
    """Of the text proper: contact lines and notices are meant to survive."""
    kept = [block.text for block in blocks(text) if block.kind is not Kind.TRAILER]
    return re.findall(r"\w+(?:[.,’'&-]\w+)*", " ".join(kept).lower())


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[start : start + length]) for start in range(len(found) - length + 1)}


def test_ids_and_addresses_are_unique_and_on_known_hosts(stories: Stories) -> None:
    assert len({article.id for article in stories.articles}) == len(stories.articles)
    assert len({article.url for article in stories.articles}) == len(stories.articles)
    roles = {site.host: site.role for site in SITES}
    assert all(roles[host_label(article.url)] is article.role for article in stories.articles)
    assert all(article.published and article.title for article in stories.articles)


def test_every_page_is_labelled_once_and_every_original_has_a_spun_version(
    stories: Stories, links: list[dict[str, str]]
) -> None:
    ids = {role: {one.id for one in stories.articles if one.role is role} for role in Role}
    assert Counter(link["rewrite"] for link in links) == Counter(ids[Role.AGGREGATOR])
    assert all((link["original"] is None) == (link["kind"] in NO_LINK) for link in links)
    assert {link["original"] for link in links} - {None} <= ids[Role.ORIGIN] | ids[Role.RELEASE]
    assert {link["original"] for link in links if link["kind"] in {"spun", "severe"}} == ids[Role.ORIGIN]


def test_all_kinds_of_reuse_are_there(links: list[dict[str, str]]) -> None:
    kinds = {link["kind"] for link in links}
    assert kinds >= NO_LINK | {"spun", "severe", "condensed", "lifted", "copy", "common-source"}


def test_reworded_texts_share_no_run_of_eight_words_with_their_original(
    stories: Stories, links: list[dict[str, str]]
) -> None:
    texts = {article.id: article.text for article in stories.articles}
    for link in links:
        original = link["original"] or f"{link['rewrite'].rsplit('-', 1)[0]}-original"
        if link["kind"] in NOT_COPIED and original in texts:
            assert not runs(texts[link["rewrite"]], RUN) & runs(texts[original], RUN), link


def test_no_real_address_stands_in_a_contact_line(stories: Stories) -> None:
    for article in stories.articles:
        for domain in re.findall(r"@([\w.-]+)", article.text):
            assert domain.endswith(".example"), article.id


def test_the_manifest_names_what_is_there(stories: Stories) -> None:
    texts = {article.id: article.text for article in stories.articles}
    named = {*stories.public, *stories.amp, *stories.canonical, *stories.canonical.values()}
    assert named <= texts.keys()
    assert all(link.words in texts[link.page] and link.original in texts for link in stories.hyperlinks)
    hosts = {site.host for site in SITES}
    assert {noise.host for noise in stories.noise} <= hosts
    assert {str(noise.answer) for noise in stories.noise} == {"404", "500", "image"}
    assert stories.teasers


def test_the_kind_of_a_page_is_known_by_its_address_wherever_it_is_served(stories: Stories) -> None:
    assert (
        stories.kind_of("http://bulletin24.localhost:8123/business/brannock-flow-gains-18-percent-201733?x=1") == "spun"
    )
    assert stories.kind_of("http://bulletin24.localhost:8123/elsewhere") == ""


async def test_the_bundled_web_serves_every_paragraph_of_every_page() -> None:
    async with SampleWeb() as web, aiohttp.ClientSession() as session:
        client = Client(web, session)
        for article in web.stories.articles:
            host = host_label(article.url)
            if host in PAGE_HOSTS:
                answer = await client.get_url(web.url(article))
                text = visible(answer.body, "windows-1252" if host == "oldtownpost" else "utf-8")
                assert all(paragraph in text for paragraph in article.text.split("\n\n")), article.id
