"""A small corpus of a few lines a story, in the shape of the bundled one, and a client that picks hosts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from crawler.demo.stories import read
from crawler.demo.web import SampleWeb

NOTICE = "Copyright ©2026 Dow Jones & Company, Inc. All Rights Reserved. 87990cbe856818d5eddac44c7b1cdeb8"
LIGHTHOUSE = [
    "SKERRYHAVEN, Scotland—The last lamp keeper of Skerryhaven will hand in her keys in April, the lights board said.",
    "The board said it’s going to save £41,000 a year.",
    "What happens to the lamp?",
    "“It goes to a museum, and I go to my sister’s,” said Elspeth Marwood & her dog, according to the “Žďár Review”.",
    "The lamp room at Skerryhaven in May. Photo: Ruan Teviot/Skerry Pictures",
    "Ships have found the harbor by satellite since 1998.",
    "A new light of 12 watts has been fixed to a pole beside the tower.",
    "Write to Morna Dalgleish at morna.dalgleish@wsj.example",
    NOTICE,
]
SPUN = [
    "Written by editorial desk",
    "The keeper of lamps who is last in Skerryhaven gives back keys during April, informs the board for lights.",
    "Each year £41,000 stay in the purse.",
    "To a museum goes it, to a sister goes she, tells Elspeth Marwod.",
    "Ruan Teviot/Skerry",
    "Boats use satellites from 1998 on to come into port.",
    "Write to Morna Dalgleish at",
    "About the author",
    "Our desk reads the coast’s papers so that sailors need not.",
]
PLAIN = [f"Paragraph {number} on the tower, which keeps <b>its</b> 77 steps & 1 bell — “done”." for number in range(12)]


def row(identifier: str, role: str, publisher: str, url: str, title: str, text: list[str], **more: object) -> dict:
    published = f"2026-02-{1 + len(identifier) % 27:02}T09:30:00Z"
    fields = {"id": identifier, "role": role, "publisher": publisher, "url": url, "title": title}
    return {**fields, "published": published, "byline": [], "text": "\n\n".join(text), **more}


ROWS = [
    row(
        "lamp-original",
        "origin",
        "The Wall Street Journal",
        "https://newsroom.localhost/lamp",
        "A Lamp Keeper’s Last Winter",
        LIGHTHOUSE,
        byline=["Morna Dalgleish"],
    ),
    row("bell-original", "origin", "Barron's", "https://newsroom.localhost/bell", "Bell Stocks Ring", LIGHTHOUSE[1:4]),
    row(
        "lamp-release",
        "release",
        "Northern Lights Board",
        "https://releases.localhost/lamp",
        "Board <to> Retire Lamp",
        [*PLAIN[:2], "About Northern Lights Board", PLAIN[3]],
    ),
    row("lamp-spun", "aggregator", "Daily Harbor", "http://dailyharbor.localhost/2026/02/lamp/", "Keys back", SPUN),
    row(
        "lamp-plain",
        "aggregator",
        "Daily Harbor",
        "http://dailyharbor.localhost/2026/02/plain/",
        'Tower <script>alert("x")</script> & "bell"',
        PLAIN,
        byline=["J. <i>Doe</i>"],
    ),
    row("lamp-copy", "aggregator", "Bulletin 24", "http://bulletin24.localhost/world/lamp-1", "Lamp", LIGHTHOUSE),
    row(
        "lamp-script",
        "aggregator",
        "Bulletin 24",
        "http://bulletin24.localhost/world/script-2",
        "Tower </script><script>alert('x')</script>",
        PLAIN,
    ),
    row(
        "lamp-old",
        "aggregator",
        "Old Town Post",
        "http://oldtownpost.localhost/world/0301.htm",
        "Žďár and “the lamp” part ways after ninety winters",
        LIGHTHOUSE,
        byline=["Jörg Ash"],
    ),
    row("lamp-quick", "aggregator", "QuickBrief Digital", "http://quickbrief.localhost/b/lamp", "Lamp off", PLAIN),
    row("lamp-feed", "aggregator", "Feed Gazette", "http://feedgazette.localhost/item/lamp", "Lamp ]]> gone", PLAIN),
    row(
        "lamp-north",
        "aggregator",
        "North Press Agency",
        "http://northpress.localhost/europe/lamp",
        "Keeper leaves tower",
        PLAIN,
        byline=["Ivo Brand", "Uma Lisle"],
    ),
    row("lamp-trade", "aggregator", "Ledger Line", "http://ledgerline.localhost/energy/lamp", "12 watts", PLAIN),
]

MANIFEST = """
public = ["lamp-original"]
amp = ["lamp-script"]

[canonical]
lamp-copy = "lamp-original"

[[teasers]]
publisher = "The Wall Street Journal"
slug = "foghorn"
title = "Who Will Miss the Foghorn?"
byline = "Morna Dalgleish"
published = "2026-02-03T10:00:00Z"
text = "The foghorn of Skerryhaven fell silent on Monday."

[[hyperlinks]]
page = "lamp-quick"
words = "the tower"
original = "lamp-original"

[[noise]]
host = "dailyharbor"
path = "/2026/02/gone/"
title = "A story taken down"
answer = 404
published = "2026-02-03T10:00:00Z"

[[noise]]
host = "bulletin24"
path = "/world/broken-9"
title = "A page that breaks"
answer = 500
published = "2026-02-03T10:00:00Z"

[[noise]]
host = "quickbrief"
path = "/news/picture"
title = "A picture"
answer = "image"
published = "2026-02-03T10:00:00Z"
"""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]  # in any case


class Client:
    """Asks the sample web for a path of a host; redirects nothing, decompresses."""

    def __init__(self, web: SampleWeb, session: aiohttp.ClientSession) -> None:
        self.web, self._session = web, session

    async def get(self, host: str, path: str, headers: dict[str, str] | None = None) -> Answer:
        asked = {"Host": f"{host}.localhost:{self.web.port}", **(headers or {})}
        async with self._session.get(f"http://127.0.0.1:{self.web.port}{path}", headers=asked) as response:
            return Answer(response.status, await response.read(), response.headers)

    async def get_url(self, url: str) -> Answer:
        host, _, path = url.removeprefix("http://").partition("/")
        return await self.get(host.partition(".")[0], f"/{path}")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    lines = [json.dumps(one, ensure_ascii=False) for one in ROWS]
    (tmp_path / "articles.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    labels = [{"rewrite": one["id"], "original": None, "kind": "spun"} for one in ROWS if one["role"] == "aggregator"]
    (tmp_path / "links.jsonl").write_text("\n".join(map(json.dumps, labels)) + "\n", encoding="utf-8")
    (tmp_path / "web.toml").write_text(MANIFEST, encoding="utf-8")
    return tmp_path


@pytest.fixture
async def client(corpus: Path) -> AsyncIterator[Client]:
    async with SampleWeb(read(corpus)) as web, aiohttp.ClientSession() as session:
        yield Client(web, session)
