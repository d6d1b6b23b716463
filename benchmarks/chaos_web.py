"""The web of `chaos.py`: the benchmarks' invented stories on many loopback hosts, from a process of its own.

    python benchmarks/chaos_web.py --pages 2000 --hosts 40 [--hang]

Originals and releases stand whole in the feeds of two hosts. Each aggregator's story stands on several of the
others, every time among the furniture of that host and with a sentence of its own, so that links, stories and the
sites' memory all have something to be wrong about. Answers take up to 20 ms. When ready, one line of JSON goes to stdout:
{"sources": [{"name", "url", "role"}, …], "pages": N, "control": URL}; the control URL answers with what was asked:
{"pages": requests for pages so far, "most": the most for one page}. `--hang`: pages never answer. SIGTERM ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
from collections import Counter, defaultdict
from html import escape
from pathlib import Path

from aiohttp import web

from crawler.corpus import read_corpus
from crawler.model import PARAGRAPH_BREAK, Article, Role

STORIES = Path(__file__).parent / "stories"
FEED = "application/rss+xml"
SLOWEST = 0.02  # seconds
TOWNS = ("Aldmere", "Brackwater", "Corrinford", "Dunhaven", "Elsmouth", "Farrowgate", "Garrowby", "Hexley")


def stories() -> list[Article]:
    found: dict[str, Article] = {}
    for part in ("spring", "autumn", "year"):
        for key, article in read_corpus(STORIES / part).articles.items():
            found[f"{part}-{key}"] = article
    return [found[key] for key in sorted(found)]


class ChaosWeb:
    """What is served: address (host) → path → (media type, body)."""

    def __init__(self, pages: int, hosts: int, port: int) -> None:
        self.addresses = [f"127.0.{1 + number // 200}.{1 + number % 200}" for number in range(hosts)]
        self.port = port
        self.shelves: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
        self.roles: dict[str, Role] = {}
        self.asked: Counter[str] = Counter()
        told = stories()
        self._feeds([one for one in told if one.role is not Role.AGGREGATOR])
        self.pages = self._pages([one for one in told if one.role is Role.AGGREGATOR], pages)

    def url(self, address: str, path: str = "") -> str:
        return f"http://{address}:{self.port}{path}"

    def _feeds(self, originals: list[Article]) -> None:
        for address, role in zip(self.addresses, (Role.ORIGIN, Role.RELEASE), strict=False):
            items = [
                _item(self.url(address, f"/{number}"), one, full=True)
                for number, one in enumerate(originals)
                if one.role is role
            ]
            self.shelves[address]["/feed"] = (FEED, _rss(items))
            self.roles[address] = role

    def _pages(self, articles: list[Article], most: int) -> int:
        items: dict[str, list[str]] = defaultdict(list)
        others = self.addresses[2:]
        made = 0
        for copy in range(len(others)):
            for number, article in enumerate(articles):
                if made == most:
                    break
                address = others[(number + 7 * copy) % len(others)]
                path = f"/{copy}/{number}"
                self.shelves[address][path] = ("text/html; charset=utf-8", _page(article, address, copy))
                items[address].append(_item(self.url(address, path), article, full=False))
                made += 1
        for address in others:
            self.shelves[address]["/feed"] = (FEED, _rss(items[address]))
            self.roles[address] = Role.AGGREGATOR
        return made

    def sources(self) -> list[dict[str, str]]:
        return [
            {"name": f"site {number}", "url": self.url(address, "/feed"), "role": self.roles[address].value}
            for number, address in enumerate(self.addresses)
        ]


def _page(article: Article, address: str, copy: int) -> str:
    """One host's page of a story; each host says the same few paragraphs around every text."""
    chance = random.Random(address)
    town = chance.choice(TOWNS)
    above = f"Readers in {town} and beyond turn to us every morning, and {chance.randint(3, 90)} thousand of them stay."
    below = f"This desk in {town} answers letters within {chance.randint(2, 9)} working days, whoever writes them."
    own = f"Note {copy}: this page was set for the edition that goes to the {TOWNS[copy % len(TOWNS)]} quarter."
    parts = [above, *article.text.split(PARAGRAPH_BREAK), *([own] if copy else []), below]
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in parts)
    return (
        f"<!doctype html><html lang=en><head><title>{escape(article.title)}</title></head><body>"
        f"<nav><a href=/>Home</a> <a href=/about>About</a></nav><article><h1>{escape(article.title)}</h1>"
        f"{paragraphs}</article><footer>Terms of {escape(address)}</footer></body></html>"
    )


def _item(url: str, article: Article, *, full: bool) -> str:
    body = "".join(f"<p>{escape(part)}</p>" for part in article.text.split(PARAGRAPH_BREAK))
    content = f"<content:encoded>{escape(body)}</content:encoded>" if full else ""
    return f"<item><title>{escape(article.title)}</title><link>{escape(url)}</link>{content}</item>"


def _rss(items: list[str]) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Feed</title>'
        f"<link>https://feed.example/</link><description>x</description>{''.join(items)}</channel></rss>"
    )


async def serve(content: ChaosWeb, *, hang: bool) -> None:
    control = "127.0.0.1"

    async def answer(request: web.Request) -> web.Response:
        address = request.host.rsplit(":", 1)[0]
        if address == control:
            return web.json_response({"pages": content.asked.total(), "most": max(content.asked.values(), default=0)})
        found = content.shelves[address].get(request.path)
        if found is None:
            return web.Response(status=404, text="not here")
        media, body = found
        if request.path != "/feed":
            content.asked[request.host + request.path] += 1
            await asyncio.sleep(3_600.0 if hang else random.random() * SLOWEST)
        kind, _, charset = media.partition("; charset=")
        return web.Response(text=body, content_type=kind, charset=charset or "utf-8")

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    for address in (control, *content.addresses):
        await web.TCPSite(runner, address, content.port, reuse_address=True).start()
    told = {"sources": content.sources(), "pages": content.pages, "control": content.url(control, "/")}
    print(json.dumps(told), flush=True)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()
    await runner.cleanup()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=2_000)
    parser.add_argument("--hosts", type=int, default=40)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--hang", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    asked = _arguments()
    asyncio.run(serve(ChaosWeb(asked.pages, asked.hosts, asked.port), hang=asked.hang))
