"""The services of docker-compose.yml and config/kubernetes as processes: each comes up, answers and stops.

What stands there is run as it stands: command, arguments and environment. Only what belongs to a container is put in
its place: files that are mounted, the database behind the secret, and addresses, which are this machine's loopback.
"""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from crawler.clock import SystemClock
from crawler.settings import DatabaseSettings
from crawler.store import Store
from tests.databases import *  # noqa: F403 - fixtures
from tests.stories import feed, page_html, story
from tests.test_config import COMPOSE, CONFIG, containers, documents
from tests.web import Web

UP, STOPPED = 60.0, 30.0  # seconds; the second is what Compose and Kubernetes wait before they kill


@dataclass(frozen=True, slots=True)
class Service:
    """A process as an example starts it."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]

    def port(self) -> str:
        return "web" if "serve" in self.arguments else "metrics"


def services() -> Iterator[Service]:
    for name, one in documents(COMPOSE)[0]["services"].items():
        if one["image"] == "wiretrace":
            yield Service(f"compose-{name}", tuple(one["command"]), one["environment"])
    for file in ("deployment.yaml", "cronjob.yaml"):
        for document in documents(CONFIG / "kubernetes" / file):
            for one in containers(document):
                environment = {each["name"]: each["value"] for each in one["env"]}
                yield Service(f"kubernetes-{file}", tuple(one["args"]), environment)


ALL = tuple(services())
JOBS = [one for one in ALL if "--once" in one.arguments]
LASTING = [one for one in ALL if one not in JOBS]


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    async with Web("127.0.0.14") as web:
        web.page("/spun", page_html(story("ferry-spun")))
        web.page("/feed", feed([(web.url("/spun"), story("ferry-spun"))]), media="application/rss+xml")
        yield web


@pytest.fixture
async def start(site: Web, postgres_url: str, tmp_path: Path) -> Any:
    configuration, secret = tmp_path / "wiretrace.toml", tmp_path / "database_url"
    configuration.write_text(
        '[fetch]\nallow_private = ["127.0.0.0/8"]\ndelay = 0.0\nmax_age_days = 0\n[run]\nprocesses = 1\n'
        f'[[sources]]\nname = "site"\nurl = "{site.url("/feed")}"\nrole = "aggregator"\n'
    )
    secret.write_text(postgres_url + "\n")
    started: list[asyncio.subprocess.Process] = []

    async def one(service: Service) -> tuple[asyncio.subprocess.Process, int]:
        port = free_port()
        here = {"WIRETRACE_CONFIG": str(configuration), "WIRETRACE_DATABASE__URL_FILE": str(secret)}
        if "WIRETRACE_METRICS__LISTEN" in service.environment:
            here["WIRETRACE_METRICS__LISTEN"] = f"127.0.0.1:{port}"
        assert set(service.environment) == set(here), "a variable that this test does not put in its place"
        arguments = ["127.0.0.1" if one == "0.0.0.0" else one for one in service.arguments]
        if service.port() == "web":
            arguments += ["--port", str(port)]
        plain = {name: value for name, value in os.environ.items() if not name.startswith("WIRETRACE_")}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "crawler", *arguments,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, env={**plain, **here},
        )  # fmt: skip
        started.append(process)
        return process, port

    yield one
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def answered(process: asyncio.subprocess.Process, url: str, status: int, *, token: str | None = None) -> str:
    """The text, as soon as the process answers with this status."""
    # As through a proxy: on loopback alone the pages would ask nobody for a token.
    via = {"Via": "1.1 proxy.example"}
    login = base64.b64encode(f"desk:{token}".encode()).decode()
    headers = via if token is None else {**via, "Authorization": f"Basic {login}"}
    async with aiohttp.ClientSession() as session, asyncio.timeout(UP):
        while process.returncode is None:
            with suppress(aiohttp.ClientConnectionError):
                async with session.get(url, headers=headers) as response:
                    if response.status == status:
                        return await response.text()
            await asyncio.sleep(0.1)
    raise AssertionError(f"it ended with {process.returncode}")


@pytest.mark.full
async def test_all_services_come_up_together_on_one_store_and_stop_when_they_are_told_to(
    start: Any,
    site: Web,
    postgres_url: str,
) -> None:
    async with await Store.open(DatabaseSettings(url=postgres_url), SystemClock()) as store:
        token = await store.create_token("desk")
        running = [(one, *await start(one)) for one in LASTING]
        for one, process, port in running:
            if one.port() == "web":
                await answered(process, f"http://127.0.0.1:{port}/", 401)  # by which its health is told
                assert "<title>" in await answered(process, f"http://127.0.0.1:{port}/", 200, token=token)
            else:
                assert '"status": "ok"' in await answered(process, f"http://127.0.0.1:{port}/healthz", 200)
                await answered(process, f"http://127.0.0.1:{port}/readyz", 200)
        crawlers = [one for one, *_ in running if one.port() == "metrics"]
        told = (await store.status())["workers"]
        assert len(told) == len(crawlers) == 2
        assert {one["pid"] for one in told} == {process.pid for one, process, _ in running if one in crawlers}
        async with asyncio.timeout(UP):
            while not site.count("/spun"):
                await asyncio.sleep(0.1)
        for _, process, _ in running:
            process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        for one, process, _ in running:
            _, errors = await asyncio.wait_for(process.communicate(), STOPPED)
            assert process.returncode == 128 + signal.SIGTERM, one.name
            assert b"Traceback" not in errors, errors.decode()
        assert time.monotonic() - began < STOPPED
        assert (await store.status())["workers"] == []
        assert site.count("/spun") == 1


@pytest.mark.full
async def test_the_scheduled_jobs_do_their_work_and_end_by_themselves(
    start: Any,
    site: Web,
) -> None:
    for at, one in enumerate(JOBS):
        process, _ = await start(one)
        _, errors = await asyncio.wait_for(process.communicate(), UP)
        assert process.returncode == 0, errors.decode()
        assert site.count("/spun") == 1, (at, errors.decode())


def test_the_services_that_are_started_are_those_of_the_examples() -> None:
    names: Sequence[str] = [one.name for one in LASTING]
    assert names == ["compose-crawler", "compose-web", "kubernetes-deployment.yaml"]
    assert [one.name for one in JOBS] == ["compose-job", "kubernetes-cronjob.yaml"]
