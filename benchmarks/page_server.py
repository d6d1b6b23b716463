"""Serves a folder of real article pages on several loopback addresses, from a process of its own.

    python benchmarks/page_server.py PAGES_DIR --hosts 16 --port 8099

PAGES_DIR holds `html/*.html.gz` and `truth.jsonl` (rows with `file` and `url`). A page lies on the address that
the hash of its real host picks, under `/<real host><path>`; each address announces its pages in `/sitemap.xml`
without dates, so that none is too old. When ready, one line of JSON goes to stdout:
{"sources": [{"name": …, "url": …}, …], "pages": 400}. SIGTERM ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import hashlib
import json
import signal
import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TextIO
from urllib.parse import quote, urlsplit
from zlib import crc32

from aiohttp import web

ROBOTS = b"User-agent: *\nDisallow:\n"


@dataclass(frozen=True, slots=True)
class Page:
    packed: bytes  # gzip
    media_type: str
    etag: str


def place(url: str, hosts: int, port: int) -> str:
    """Where the page with the real URL `url` is served."""
    parts = urlsplit(url)
    real = parts.hostname or "nowhere"
    path = quote(parts.path, safe="/%:@!$&'()*+,;=-._~")
    query = f"?{parts.query}" if parts.query else ""
    return f"http://127.0.0.{2 + crc32(real.encode()) % hosts}:{port}/{real}{path}{query}"


def load(directory: Path, hosts: int, port: int) -> dict[str, dict[str, Page]]:
    """Address (host:port) → path with query → page; the sitemaps and robots.txt are pages as well."""
    shelves: dict[str, dict[str, Page]] = {}
    with (directory / "truth.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            parts = urlsplit(place(row["url"], hosts, port))
            path = f"{parts.path}?{parts.query}" if parts.query else parts.path
            shelves.setdefault(parts.netloc, {})[path] = _page((directory / row["file"]).read_bytes(), "text/html")
    for host, shelf in shelves.items():
        entries = "".join(f"<url><loc>{escape(f'http://{host}{path}')}</loc></url>\n" for path in shelf)
        sitemap = (
            f'<?xml version="1.0"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}</urlset>'
        )
        shelf["/sitemap.xml"] = _page(gzip.compress(sitemap.encode(), mtime=0), "application/xml")
        shelf["/robots.txt"] = _page(gzip.compress(ROBOTS, mtime=0), "text/plain")
    return shelves


async def serve(shelves: dict[str, dict[str, Page]], port: int, log: TextIO | None) -> None:
    """Serves until SIGTERM or SIGINT. `log` gets one line of JSON a request: host, path, status."""

    async def answer(request: web.BaseRequest) -> web.Response:
        page = shelves.get(request.host, {}).get(request.raw_path)
        response = _response(request, page)
        if log is not None:
            log.write(json.dumps({"host": request.host, "path": request.raw_path, "status": response.status}) + "\n")
        return response

    runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=1.0)
    await runner.setup()
    for host in shelves:
        await web.TCPSite(runner, host.partition(":")[0], port, backlog=512).start()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    print(json.dumps(_ready(shelves)), flush=True)
    await stop.wait()
    await runner.cleanup()


def _page(packed: bytes, media_type: str) -> Page:
    return Page(packed, media_type, f'"{hashlib.blake2b(packed, digest_size=8).hexdigest()}"')


def _response(request: web.BaseRequest, page: Page | None) -> web.Response:
    if page is None:
        return web.Response(status=404, text="nothing here")
    headers = {"ETag": page.etag, "Content-Type": page.media_type}
    if request.headers.get("If-None-Match") == page.etag:
        return web.Response(status=304, headers=headers)
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=gzip.decompress(page.packed), headers=headers)
    return web.Response(body=page.packed, headers=headers | {"Content-Encoding": "gzip"})


def _ready(shelves: dict[str, dict[str, Page]]) -> dict[str, object]:
    sources = [{"name": f"pages of {host}", "url": f"http://{host}/sitemap.xml"} for host in sorted(shelves)]
    return {"sources": sources, "pages": sum(len(shelf) - 2 for shelf in shelves.values())}


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve real pages on loopback addresses 127.0.0.2 and up.")
    parser.add_argument("pages_dir", type=Path)
    parser.add_argument("--hosts", type=int, default=16, help="addresses to spread the pages over, 1 to 250")
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--log", type=Path, help="write one line of JSON a request to this file")
    given = parser.parse_args()
    if not (given.pages_dir / "truth.jsonl").is_file():
        sys.exit(f"{given.pages_dir}: expected a folder with truth.jsonl and html/")
    shelves = load(given.pages_dir, given.hosts, given.port)
    log = given.log.open("a", encoding="utf-8", buffering=1) if given.log else None
    asyncio.run(serve(shelves, given.port, log))


if __name__ == "__main__":
    main()
