"""Serves any number of invented news sites on loopback addresses, each page made when it is asked for.

    python benchmarks/invented_server.py --sites 500 --pages 40 --port 8098

Site n lies on 127.(64 + n // 250).1.(1 + n % 250). Its feed at /feed.xml announces its pages; the first sites are
origins, and one page in fifty of the others takes the sentences of an origin's story, reordered. Names are invented,
sentences are words drawn by chance as often as English has them; the same numbers give the same page. When ready, one
line of JSON goes to stdout:
{"sources": [{"name": …, "url": …, "role": …}, …], "pages": 20000}. SIGTERM ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import math
import random
import signal
from datetime import UTC, datetime, timedelta
from html import escape
from importlib import resources
from itertools import accumulate

from aiohttp import web

ORIGINS = 10
REWRITES = 50  # one page in so many
_SYLLABLES = [
    "ba",
    "dor",
    "fen",
    "gal",
    "hol",
    "kin",
    "lor",
    "mar",
    "nis",
    "ost",
    "pel",
    "quin",
    "ras",
    "sel",
    "tor",
    "ul",
    "ven",
    "wex",
    "yor",
    "zan",
    "bre",
    "cla",
    "dru",
    "fli",
    "gro",
]


def _name(rng: random.Random) -> str:
    return "".join(rng.choice(_SYLLABLES) for _ in range(rng.choice((2, 3)))).capitalize()


def _vocabulary() -> tuple[list[str], list[float]]:
    """English stems and how often each is met, so that the words of a story are as rare as those of news."""
    table = resources.files("crawler.link") / "data" / "idf-en-1.tsv.gz"
    rows = [
        line.split("\t")
        for line in gzip.decompress(table.read_bytes()).decode().splitlines()
        if not line.startswith("#")
    ]
    return [stem for stem, _ in rows], list(accumulate(math.exp(-int(idf) / 10) for _, idf in rows))


_WORDS, _OFTEN = _vocabulary()


def sentences(seed: str, count: int) -> list[str]:
    """A story's sentences: words as they are met in English, its own people and figures run through it."""
    rng = random.Random(seed)
    people = [f"{_name(rng)} {_name(rng)}" for _ in range(6)]
    told = []
    for _ in range(count):
        words = rng.choices(_WORDS, cum_weights=_OFTEN, k=rng.randint(12, 26))
        if rng.random() < 0.5:
            words.insert(len(words) // 2, rng.choice(people))
        if rng.random() < 0.3:
            words.insert(len(words) // 3, str(rng.randint(2, 9_800)))
        told.append(f"{words[0].capitalize()} {' '.join(words[1:])}.")
    return told


def story(site: int, page: int) -> tuple[str, list[str]]:
    """Headline and paragraphs of a page."""
    rng = random.Random(f"{site}/{page}")
    if site >= ORIGINS and rng.randrange(REWRITES) == 0:
        told = sentences(f"story {rng.randrange(ORIGINS)} {rng.randrange(40)}", 24)
        told = [part for pair in zip(told[1::2], told[::2], strict=True) for part in pair]
    else:
        told = sentences(f"story {site} {page}", 24)
    return told[0].rstrip("."), [" ".join(told[n : n + 3]) for n in range(0, len(told), 3)]


def address(site: int, port: int) -> str:
    return f"127.{64 + site // 250}.1.{1 + site % 250}:{port}"


def page_of(site: int, number: int, at: datetime) -> str:
    title, paragraphs = story(site, number)
    rng = random.Random(site)
    menu = "".join(f'<li><a href="/{_name(rng).lower()}">{_name(rng)}</a></li>' for _ in range(40))
    more = "".join(
        f'<li><a href="/story/{n}">{escape(story(site, n)[0][:60])}</a></li>' for n in range(number, number + 3)
    )
    body = "".join(f"<p>{escape(text)}</p>\n" for text in paragraphs)
    return (
        f'<!doctype html><html lang="en"><head><title>{escape(title)} | Site {site}</title>'
        f'<meta property="og:title" content="{escape(title)}">'
        f'<meta property="article:published_time" content="{at.isoformat()}"></head>'
        f"<body><nav><ul>{menu}</ul></nav><main><article><h1>{escape(title)}</h1>{body}</article>"
        f"<aside><ul>{more}</ul></aside></main><footer><p>All rights of site {site} are reserved.</p></footer></body></html>"
    )


def feed_of(site: int, pages: int, host: str, at: datetime) -> str:
    items = "".join(
        f"<item><title>{escape(story(site, n)[0])}</title><link>http://{host}/story/{n}</link>"
        f"<pubDate>{at:%a, %d %b %Y %H:%M:%S} +0000</pubDate></item>"
        for n in range(pages)
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Site {site}</title>{items}</channel></rss>'


async def serve(sites: int, pages: int, port: int) -> None:
    hosts = {address(site, port): site for site in range(sites)}
    at = datetime.now(UTC) - timedelta(hours=1)

    async def answer(request: web.BaseRequest) -> web.Response:
        site, path = hosts.get(request.host), request.path
        if site is None or not path.startswith(("/story/", "/feed.xml")):
            return web.Response(status=404)
        if path == "/feed.xml":
            return web.Response(text=feed_of(site, pages, request.host, at), content_type="application/rss+xml")
        return web.Response(text=page_of(site, int(path.rpartition("/")[2]), at), content_type="text/html")

    runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", port, backlog=1_024).start()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    sources = [
        {"name": f"site {site}", "url": f"http://{host}/feed.xml", "role": "origin" if site < ORIGINS else "aggregator"}
        for host, site in hosts.items()
    ]
    print(json.dumps({"sources": sources, "pages": sites * pages}), flush=True)
    await stop.wait()
    await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve invented news sites on loopback addresses.")
    parser.add_argument("--sites", type=int, default=500, help="1 to 10000")
    parser.add_argument("--pages", type=int, default=40, help="of each site")
    parser.add_argument("--port", type=int, default=8098)
    given = parser.parse_args()
    asyncio.run(serve(given.sites, given.pages, given.port))


if __name__ == "__main__":
    main()
