from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from crawler.corpus import read_corpus
from crawler.model import LinkState
from crawler.settings import DatabaseSettings
from crawler.store import Store
from tests.pages.conftest import put_link
from tests.store.pieces import StillClock, original, page


def judged(url: str) -> None:
    async def work() -> None:
        async with await Store.open(DatabaseSettings(url=url), StillClock()) as store:
            yes, no, back = [await put_link(store, name) for name in ("yes", "no", "back")]
            await store.review(yes, LinkState.CONFIRMED, reviewer="Morna", note="=2+2")
            await store.review(no, LinkState.REJECTED, reviewer="Morna")
            await store.review(back, LinkState.REJECTED, reviewer="Elspeth")
            await store.undo_review("Elspeth")

    asyncio.run(work())


def run(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "crawler", *arguments]
    environment = {**os.environ, "WIRETRACE_DATABASE__URL": url}
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=60)


@pytest.mark.full
def test_words_on_links_are_exported_in_order(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/store.db"
    judged(url)
    rows = [json.loads(line) for line in run(url, "export", "reviews").stdout.splitlines()]
    assert [(row["no"], row["verdict"], row["reviewer"]) for row in rows] == [
        (1, "confirmed", "Morna"),
        (2, "rejected", "Morna"),
        (3, "rejected", "Elspeth"),
        (4, "new", "Elspeth"),
    ]
    assert rows[0]["rewrite"]["id"] == page("yes").id
    assert len(run(url, "export", "reviews", "--since", "3").stdout.splitlines()) == 1
    assert "'=2+2" in run(url, "export", "reviews", "--format", "csv").stdout


@pytest.mark.full
def test_words_on_links_become_a_corpus_that_evaluate_reads(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/store.db"
    judged(url)
    told = run(url, "export", "reviews", "--corpus", str(tmp_path / "judged"))
    assert told.returncode == 0
    assert "wrote 2 reviewed pages" in told.stderr
    corpus = read_corpus(tmp_path / "judged")
    assert {(one.rewrite, one.original, one.kind) for one in corpus.truth} == {
        (page("yes").id, original().id, "rewrite"),
        (page("no").id, None, "rejected"),
    }
    assert run(url, "evaluate", str(tmp_path / "judged")).returncode == 0


def test_a_corpus_is_made_of_words_only(tmp_path: Path) -> None:
    refused = run(f"sqlite+aiosqlite:///{tmp_path}/store.db", "export", "links", "--corpus", str(tmp_path))
    assert (refused.returncode, refused.stderr.strip()) == (2, "wiretrace: --corpus: expected with reviews")


def test_serve_tells_its_address_answers_there_and_ends_on_a_signal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "crawler", "serve", "--port", "0", "--db", f"sqlite+aiosqlite:///{tmp_path}/a.db"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        address = served.stdout.readline().split()[0]
        with urllib.request.urlopen(address, timeout=20) as answer:
            assert answer.status == 200
            assert "Nothing to judge" in answer.read().decode()
        served.send_signal(signal.SIGTERM)
        assert served.wait(20) == 143


@pytest.mark.full
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "news.example"])
def test_serve_refuses_an_address_that_others_reach(tmp_path: Path, host: str) -> None:
    refused = run(f"sqlite+aiosqlite:///{tmp_path}/store.db", "serve", "--host", host)
    assert refused.returncode == 2
    assert "expected a loopback address" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.full
def test_serve_says_that_its_port_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = run(f"sqlite+aiosqlite:///{tmp_path}/store.db", "serve", "--port", port)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"wiretrace: 127.0.0.1 port {port}: Address already in use")
    assert len(refused.stderr.splitlines()) == 1
