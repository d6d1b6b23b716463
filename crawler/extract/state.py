"""Articles that only stand in a framework's JSON, from which a script would build the page (__NEXT_DATA__ …)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from crawler.extract.blocks import scan_markup
from crawler.extract.body import select
from crawler.extract.document import canonical_markup
from crawler.extract.jsonld import read_json
from crawler.extract.text import fold

_MAX_VALUES = 50_000
_MIN_PARAGRAPH = 60  # characters
_MARKUP = re.compile(r"<(?:p|br|div|h[1-6]|ul)\b", re.IGNORECASE)
# From a word's start only: in a string of a million letters, any other place would cost as much as the first.
_TWO_WORDS = re.compile(r"(?<![^\W\d_])[^\W\d_]{2,}+\s++[^\W\d_]")
_SENTENCE_ENDS = (".", "!", "?", "…", "”", '"', "’", ")")
_MAX_SCRIPTS = 2_000
_MAX_STATE = 3_000_000  # bytes of scripts
_MAX_TRIES = 20  # places of a script where JSON may begin; what is none fails at its end only
# `window.__STATE__ = {…}`, the same as a string that is parsed, and the rows in which a server sends a page.
_BEGUN = re.compile(
    r"(?P<assigned>(?<![=!<>])=\s*+(?=[{\[]))|(?P<parsed>JSON\.parse\(\s*+(?=\"))|(?P<pushed>\.push\(\s*+(?=\[\s*+\d))"
)
_ROW = re.compile(r"(?:^|\n)[0-9a-f]{1,6}:(?:T[0-9a-f]{1,8},)?")
_DECODER = json.JSONDecoder(strict=False)
_BODY_KEY = re.compile(r"body|content|text|html|article|story|copy", re.IGNORECASE)


def paragraphs_of_state(document: str) -> list[str]:
    """The longest run of prose in the JSON: one string with mark-up or line breaks, or the strings of one list."""
    best: list[str] = []
    best_length = 0
    for value in read_json(document):
        for run in _runs(value):
            length = sum(map(len, run))
            if length > best_length:
                best, best_length = run, length
    return best


def paragraphs_of_scripts(html: bytes) -> list[str]:
    """The longest run of prose in what a page's scripts assign, parse or push; for pages that show no text at all."""
    best: list[str] = []
    for value in _script_values(html):
        for run in _runs(value):
            if sum(map(len, run)) > sum(map(len, best)):
                best = run
    return best


def _script_values(html: bytes) -> Iterator[Any]:
    """What the scripts hold that is JSON: values that are assigned or parsed, then the rows that are pushed."""
    pushed: list[str] = []
    left = _MAX_STATE
    for script in islice(_scripts(html), _MAX_SCRIPTS):
        left -= len(script)
        if left < 0:
            break
        for way, value in _begun_values(script.decode("utf-8", "replace")):
            if way == "pushed":
                pushed += (part for part in value if isinstance(part, str)) if isinstance(value, list) else ()
            elif way == "parsed" and isinstance(value, str):
                yield from read_json(value)
            else:
                yield value
    for row in _ROW.split("".join(pushed)):
        if row.startswith(("{", "[")):
            yield from read_json(row)
        elif row:
            yield row


def _scripts(html: bytes) -> Iterator[bytes]:
    lower = html.lower()
    end = 0
    while (start := lower.find(b"<script", end)) >= 0 and (end := lower.find(b"</script", start)) >= 0:
        yield html[lower.find(b">", start, end) + 1 : end]


def _begun_values(script: str) -> Iterator[tuple[str, Any]]:
    """JSON values at the places of a script where one may begin, each with the way it is used."""
    end = 0
    for match in islice(_BEGUN.finditer(script), _MAX_TRIES):
        if match.end() >= end:
            try:
                value, end = _DECODER.raw_decode(script, match.end())
            except (ValueError, RecursionError):
                continue
            yield str(match.lastgroup), value


def _runs(root: Any) -> list[list[str]]:
    """Runs of paragraphs: each long string, and the paragraphs anywhere below one list, in the order of the text."""
    runs: list[list[str]] = []
    lists: dict[int, list[str]] = {}
    stack: list[tuple[Any, str, int]] = [(root, "", 0)]  # value, key, the outermost list of blocks it is in
    for _ in range(_MAX_VALUES):
        if not stack:
            break
        value, key, home = stack.pop()
        if isinstance(value, dict):
            stack.extend((inner, name, home) for name, inner in reversed(value.items()))
        elif isinstance(value, list):
            if not home and _BODY_KEY.search(key):
                home = len(lists) + 1
                lists[home] = []
            stack.extend((inner, key, home) for inner in reversed(value))
        elif isinstance(value, str) and len(value) >= _MIN_PARAGRAPH and " " in value:
            if _MARKUP.search(value):
                runs.append(_read_markup(value))
            elif value.rstrip().endswith(_SENTENCE_ENDS) and _TWO_WORDS.search(value):
                if home:
                    lists[home].append(fold(value))
                runs.append([text for line in value.split("\n") if (text := fold(line))])
    return runs + list(lists.values())


def _read_markup(markup: str) -> list[str]:
    scan = scan_markup(canonical_markup(markup.encode("utf-8", "replace")))
    return [scan.blocks[index].text for index in select(scan, "", whole=True).blocks]
