"""The usual tools put together, as throughput.py compares them: Scrapy fetches, trafilatura reads, datasketch's MinHash
LSH looks for near-duplicates among the originals, SQLite stores. Runs in an environment of its own, never wiretrace's.

    python peer_crawler.py SITEMAPS.json ORIGINALS.jsonl STORE.db

SITEMAPS.json is a list of sitemap URLs, ORIGINALS.jsonl has rows with `id` and `text`. Prints one line of JSON: pages,
seconds of wall clock and CPU seconds from the first request to the last stored page. The index is made before.
"""

import json
import re
import sqlite3
import sys
import time
from pathlib import Path
from typing import ClassVar

import scrapy
import trafilatura
from datasketch import MinHash, MinHashLSH
from scrapy.crawler import CrawlerProcess

PERMUTATIONS = 128
SHINGLE = 3  # words
THRESHOLD = 0.3
WORD = re.compile(r"\w+")


def signature(text):
    words = [word.lower() for word in WORD.findall(text)]
    shingles = {" ".join(words[n : n + SHINGLE]).encode() for n in range(max(1, len(words) - SHINGLE + 1))}
    made = MinHash(num_perm=PERMUTATIONS)
    made.update_batch(list(shingles))
    return made


class Pages(scrapy.Spider):
    name = "pages"
    custom_settings: ClassVar = {
        "CONCURRENT_REQUESTS": 64,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 2,
        "DOWNLOAD_DELAY": 0,
        "ROBOTSTXT_OBEY": True,
        "COOKIES_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "LOG_LEVEL": "ERROR",
    }

    def __init__(self, sitemaps, index, signatures, store):
        super().__init__()
        self.start_urls = sitemaps
        self.index, self.signatures, self.store = index, signatures, store
        self.pages = self.linked = 0
        self.begun, self.cpu = time.perf_counter(), time.process_time()

    def parse(self, response):
        for url in re.findall(r"<loc>([^<]+)</loc>", response.text):
            yield scrapy.Request(url.replace("&amp;", "&"), callback=self.article)

    def article(self, response):
        self.pages += 1
        found = trafilatura.bare_extraction(response.text, url=response.url, with_metadata=True)
        text = (found.text if found is not None else "") or ""
        original = None
        if text:
            mine = signature(text)
            near = self.index.query(mine)
            original = max(near, key=lambda one: mine.jaccard(self.signatures[one]), default=None)
        self.linked += original is not None
        row = (response.url, (found.title if found else "") or "", text, (found.date if found else "") or "", original)
        with self.store:
            self.store.execute("INSERT OR REPLACE INTO articles VALUES (?, ?, ?, ?, ?)", row)

    def closed(self, reason):
        told = {"pages": self.pages, "linked": self.linked, "reason": reason}
        told |= {"seconds": time.perf_counter() - self.begun, "cpu": time.process_time() - self.cpu}
        print(json.dumps(told), flush=True)


def main():
    sitemaps_file, originals, database = sys.argv[1:]
    sitemaps = json.loads(Path(sitemaps_file).read_text(encoding="utf-8"))
    index, signatures = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS), {}
    with Path(originals).open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            signatures[row["id"]] = signature(row["text"])
            index.insert(row["id"], signatures[row["id"]])
    store = sqlite3.connect(database)
    store.execute("PRAGMA journal_mode = WAL")
    store.execute("PRAGMA synchronous = NORMAL")
    store.execute("CREATE TABLE articles (url TEXT PRIMARY KEY, title TEXT, text TEXT, published TEXT, original TEXT)")
    trafilatura.bare_extraction(
        f"<html><body><article>{'<p>Warm up all that is read late.</p>' * 20}</article></body></html>"
    )
    process = CrawlerProcess({"LOG_LEVEL": "ERROR"})
    process.crawl(Pages, sitemaps=sitemaps, index=index, signatures=signatures, store=store)
    process.start()


if __name__ == "__main__":
    main()
