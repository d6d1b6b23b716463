"""Log lines: what they are about as fields, one line each whatever the web sends, and no secret in any of them."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
from collections.abc import Callable, Iterator

import pytest

from crawler import logfields
from crawler.cli import logs
from crawler.cli.console import LogFormat

log = logging.getLogger("crawler.test")
Written = Callable[[], str]


@pytest.fixture(params=LogFormat)
def kind(request: pytest.FixtureRequest) -> LogFormat:
    return LogFormat(request.param)


@pytest.fixture
def written(kind: LogFormat) -> Iterator[Written]:
    """What was written so far, by the formatter that `--log-format` chooses."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonFormatter() if kind is LogFormat.JSON else logs.TextFormatter())
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield stream.getvalue
    log.removeHandler(handler)


def test_a_line_tells_what_the_task_works_on(written: Written, kind: LogFormat) -> None:
    async def page(number: int) -> None:
        logfields.about(host=f"h{number}.example", url=f"https://h{number}.example/a b")
        await asyncio.sleep(0)
        log.info("read %d", number)

    async def both() -> None:
        logfields.about(worker="box:7", source='the "Wire"')
        await asyncio.gather(page(1), page(2))

    asyncio.run(both())
    log.info("outside")
    one, two, outside = written().splitlines()
    if kind is LogFormat.JSON:
        assert json.loads(one)["worker"] == "box:7"
        assert json.loads(two)["host"] == "h2.example"
        assert json.loads(two)["source"] == 'the "Wire"'
        assert "url" not in json.loads(outside)
    else:
        assert one.endswith(
            'INFO read 1 source="the \\"Wire\\"" host=h1.example url="https://h1.example/a b" worker=box:7'
        )
        assert outside.endswith("INFO outside")


@pytest.mark.parametrize(
    "secret",
    [
        "https://reader:sesame77@feeds.example/x",
        "https://feeds.example/x?page=2&api_key=sesame77",
        "https://feeds.example/x?access-token=sesame77#top",
        "wrong header value sesame77 in the answer",
    ],
)
def test_no_secret_reaches_a_line(written: Written, secret: str) -> None:
    logfields.conceal("sesame77")
    try:
        raise ValueError(secret)
    except ValueError:
        log.exception("failed: %s", secret)
    text = written()
    assert "failed" in text
    assert "sesame77" not in text


def test_a_key_in_a_url_is_hidden_without_being_told_of_it() -> None:
    assert logfields.disclosed("https://u:p@a.example/?q=news&token=abc&x=1") == (
        "https://***@a.example/?q=news&token=***&x=1"
    )
    assert logfields.disclosed("monkey=1 https://a.example/?monkey=1&author=you") == (
        "monkey=1 https://a.example/?monkey=1&author=you"
    )


def test_control_characters_can_neither_move_the_cursor_nor_forge_a_line(written: Written, kind: LogFormat) -> None:
    try:
        raise ValueError("bad\n12:00:00 INFO forged \x1b[2J \x9b \u202e \u2028")
    except ValueError as error:
        log.warning("page\r\n12:00:00 INFO forged \x1b[2J%s", error, exc_info=sys.exc_info())
    text = written()
    assert not {"\x1b", "\x9b", "\u202e", "\u2028", "\r"} & set(text)
    lines = text.splitlines()
    assert all("forged" not in line or "page" in line or line.startswith("    ") for line in lines)
    if kind is LogFormat.JSON:
        assert len(lines) == 1


def test_a_message_without_end_is_cut_off(written: Written) -> None:
    log.info("x" * 1_000_000)
    text = written()
    assert len(text) < 5_000
    assert "1000000 characters" in text
