"""`wiretrace trace`: one article against the store."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from crawler import urls
from crawler.clock import Clock
from crawler.errors import ExtractError, InputError
from crawler.fetch import Fetcher
from crawler.interchange import (
    Json,
    article_brief,
    article_to_json,
    attribution_to_json,
    candidates_to_json,
    link_to_json,
)
from crawler.model import Article, Decision, RawDocument, Source, Verdict
from crawler.pipeline.cpu import CpuPool
from crawler.pipeline.linking import LinkingDesk
from crawler.pipeline.reading import read_document
from crawler.pipeline.tally import Tally
from crawler.redistribution import Redistribution, without_text
from crawler.settings import DatabaseSettings, Settings
from crawler.store import Store

STANDARD_INPUT = "-"
STANDARD_INPUT_URL = "stdin:"
SQLITE = "sqlite+aiosqlite:///"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")  # another scheme is told as such, not as a file that is missing


@dataclass(frozen=True, slots=True)
class Trace:
    """An article, what was decided on it, and the articles that it was weighed against; `passing` says whose texts
    may be shown."""

    article: Article
    decision: Decision
    articles: Mapping[str, Article]
    passing: Redistribution

    def as_json(self) -> Json:
        """The public JSON of `trace`: the article's fields with link, attribution and candidates."""
        link, attribution = self.decision.link, self.decision.attribution
        teaser = self.articles.get(attribution.teaser_id or "") if attribution else None
        return {
            **article_to_json(self.article if self.passing.permits(self.article) else without_text(self.article)),
            "link": link_to_json(link, article_brief(self.article), article_brief(self.articles[link.original_id]))
            if link
            else None,
            "attribution": attribution_to_json(attribution, teaser) if attribution else None,
            "candidates": candidates_to_json(self.decision, self.articles),
        }


async def trace(settings: Settings, document: RawDocument, *, clock: Clock, keep: bool = False) -> Trace:
    """Decides on one page. With `keep` it is stored and linked as a crawled page would be.

    Raises ExtractError where the page holds no article.
    """
    async with AsyncExitStack() as stack:
        database = settings.database
        if not keep and _is_missing(database):
            # To ask about a page makes no store: one that is thrown away answers as an empty one would.
            folder = stack.enter_context(TemporaryDirectory(prefix="wiretrace-"))
            database = DatabaseSettings(url=f"{SQLITE}{folder}/empty.db")
        store = await stack.enter_async_context(await Store.open(database, clock))
        cpu = await stack.enter_async_context(CpuPool(settings.link, settings.rights_list(), processes=0))
        return await trace_in(store, cpu, document, clock=clock, keep=keep, declared=settings.source_list())


async def trace_in(
    store: Store,
    cpu: CpuPool,
    document: RawDocument,
    *,
    clock: Clock,
    keep: bool = False,
    declared: Sequence[Source] = (),
) -> Trace:
    """`trace` in a store and with workers that are there already; `declared` are the sources of the configuration."""
    desk = LinkingDesk(store, cpu)
    reading = await cpu.run(read_document, document, await store.site_verdict(urls.host_of(document.url)))
    # A person who asks for a page is not bound by what it asks of crawlers.
    now = clock.now()
    article = replace(
        reading.article, fetched=now, first_seen=await _first_seen(store, document.url) or now, noindex=False
    )
    if article.verdict is not Verdict.ARTICLE or reading.fingerprint is None or not article.text:
        reason = article.verdict.value if article.verdict is not Verdict.ARTICLE else "empty"
        name = document.url if document.url != STANDARD_INPUT_URL else "standard input"
        raise ExtractError(name, reason, f"expected an article, found none ({reason})")
    if keep:
        stored = await store.store_article(article, reading.fingerprint, extra_urls=reading.urls, page=reading.page)
        await desk.decide(stored.id, Tally(), worker=None, reason="traced")
        article = await store.article(stored.id) or article
    verification = await desk.verify(article, reading.fingerprint)
    passing = await store.redistribution(declared)
    decision = verification.decision
    if decision.link is not None:
        decision = replace(decision, link=replace(decision.link, decided=clock.now()))
    return Trace(article, decision, verification.articles, passing)


async def _first_seen(store: Store, url: str) -> datetime | None:
    """When the store first met the page under this address, or under a twin of it."""
    held = await store.article_by_url(url)
    return held.first_seen if held is not None else None


def _is_missing(database: DatabaseSettings) -> bool:
    return database.url.startswith(SQLITE) and not Path(database.url.removeprefix(SQLITE)).exists()


async def load(target: str, settings: Settings, *, clock: Clock, standard_input: bytes | None = None) -> RawDocument:
    """The bytes of a path, a URL or `-`. A URL that a person asks for is not bound by robots.txt.

    Raises InputError for a file that can't be read, FetchError for a URL that is none or gives no page.
    """
    if target == STANDARD_INPUT:
        return RawDocument(url=STANDARD_INPUT_URL, body=standard_input or b"")
    if not is_url(target):
        return read_file(Path(target), settings.fetch.max_body)
    url = urls.normalize(target)
    port = urlsplit(url).port
    async with Fetcher(settings.fetch, clock, source_ports={port} if port else ()) as fetcher:
        response = await fetcher.get(url, robots=False)
    return response.document()


def is_url(target: str) -> bool:
    """Whether a target is meant as a URL, of whatever scheme."""
    return bool(_URL.match(target))


def read_file(path: Path, limit: int) -> RawDocument:
    """A local page; its media type is left to its content. At most `limit` bytes."""
    try:
        with path.open("rb") as file:
            body = file.read(limit + 1)
    except IsADirectoryError:
        raise InputError(path, "expected a file, it is a folder") from None
    except OSError as error:
        raise InputError(path, f"expected a readable file ({error.strerror or error})") from None
    if len(body) > limit:
        raise InputError(path, f"expected at most {limit} bytes")
    return RawDocument(url=path.as_posix(), body=body)
