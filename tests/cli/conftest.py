"""The command line, run as a user runs it: arguments in, exit code and both streams out."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from crawler.cli import main


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Wiretrace = Callable[..., Ran]


@pytest.fixture
def wiretrace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Wiretrace]:
    """Runs `wiretrace ARGUMENTS` in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("WIRETRACE_"):
            monkeypatch.delenv(name)

    def run(*arguments: object, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "argv", ["wiretrace", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Ran(int(ended.value.code or 0), said.out, said.err)

    yield run
    logging.getLogger("crawler").setLevel(logging.NOTSET)
    logging.getLogger().handlers.clear()
