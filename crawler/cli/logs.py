"""How log lines look, as text and as JSON: one line each, with what they are about, and nothing that may not leave.

Messages hold words from the web. Control and bidi characters in them can't move a terminal's cursor or forge a second
line, secrets are hidden, and the length is bounded.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from crawler import logfields

MOST_MESSAGE = 4_000  # characters
MOST_EXCEPTION = 20_000  # characters, the last ones: there the error stands
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_LINE_ENDS = frozenset("\u2028\u2029")


def plain(text: str) -> str:
    """Text for a terminal, on one line, without control and bidi characters."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(" " if ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in _BIDI or c in _LINE_ENDS else c for c in text)


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        line |= {name: plain(value) for name, value in logfields.fields().items()}
        if record.exc_info:
            line["exception"] = "\n".join(_traceback(self, record))
        return json.dumps(line, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """Time, level, message, then `name=value` for each field; a traceback's lines follow, indented."""

    def format(self, record: logging.LogRecord) -> str:
        parts = [self.formatTime(record, "%H:%M:%S"), record.levelname, _message(record)]
        parts += [f"{name}={_quoted(plain(value))}" for name, value in logfields.fields().items()]
        line = " ".join(parts)
        return "\n    ".join([line, *_traceback(self, record)]) if record.exc_info else line


def _message(record: logging.LogRecord) -> str:
    text = logfields.disclosed(record.getMessage())
    if len(text) > MOST_MESSAGE:
        text = f"{text[:MOST_MESSAGE]}… ({len(text)} characters)"
    return plain(text)


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> list[str]:
    assert record.exc_info
    text = logfields.disclosed(formatter.formatException(record.exc_info))[-MOST_EXCEPTION:]
    return [plain(line) for line in text.split("\n")]


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if not value or set(value) & set(' "=') else value
