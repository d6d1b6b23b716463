"""`wiretrace sources suggest`: hosts that were met and that no source names, those that copy most first."""

from __future__ import annotations

from urllib.parse import urlsplit

from crawler import urls
from crawler.interchange import Json
from crawler.jobs.met_hosts import MetHost, MetHosts, plain_host
from crawler.store import Store


async def suggest_hosts(
    store: Store, files: MetHosts, *, min_pages: int = 1, limit: int = 20
) -> tuple[list[MetHost], int]:
    """At most `limit` hosts with `min_pages` pages or more, and how many there are.

    Of a host that was met both in the store and in files the greater counts stand: the same pages may be in both.
    Costs as `Store.host_counts`.
    """
    records = await store.sources(enabled_only=True)
    named = {urls.registrable_domain(urlsplit(one.source.url).hostname or "") for one in records}
    stored: dict[str, MetHost] = {}
    newest: dict[str, int] = {}
    for count in await store.host_counts():
        host = plain_host(count.host)
        one = stored.setdefault(host, MetHost(host))
        one.pages += count.pages
        one.linked += count.linked
        one.attributed += count.attributed
        newest[host] = max(count.newest, newest.get(host, 0))
    hosts = {**files.hosts, **stored}
    found = [
        _greater(files.hosts.get(host), stored.get(host), host)
        for host in hosts
        if urls.registrable_domain(host) not in named
    ]
    ranked = sorted(
        (one for one in found if one.pages >= min_pages),
        key=lambda one: (-one.stemming, -one.pages, one.host),
    )
    shown = ranked[:limit]
    example_urls = await store.article_urls([newest[one.host] for one in shown if one.host in newest])
    for one in shown:
        one.example = example_urls.get(newest.get(one.host, 0), one.example)
    return shown, len(ranked)


def met_host_json(one: MetHost) -> Json:
    return {
        "host": one.host,
        "pages": one.pages,
        "linked": one.linked,
        "attributed": one.attributed,
        "share": round(one.share, 4),
        "example": one.example,
    }


def site_urls(host: str) -> list[str]:
    """Where a host's site may be asked, the better first. Raises UrlRefused for what is no host."""
    if "://" in host:
        return [urls.normalize(host)]
    return [urls.normalize(f"{scheme}://{host}/") for scheme in ("https", "http")]


def _greater(one: MetHost | None, other: MetHost | None, host: str) -> MetHost:
    if one is None or other is None:
        return one or other or MetHost(host)
    return MetHost(
        host,
        max(one.pages, other.pages),
        max(one.linked, other.linked),
        max(one.attributed, other.attributed),
        one.example,
    )
