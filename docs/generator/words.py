"""What things mean, in words written by hand, and tables to put them in."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("words.toml")


class Undescribed(Exception):
    """Something of the code has no words in the manual, or the other way round."""


@cache
def _all() -> Mapping[str, Mapping[str, str]]:
    with _FILE.open("rb") as file:
        return tomllib.load(file)


def described(section: str, names: Iterable[str]) -> dict[str, str]:
    """The meaning of each name, in the order given. Raises Undescribed where code and words differ."""
    wanted = list(dict.fromkeys(names))
    known = _all().get(section, {})
    if missing := [name for name in wanted if name not in known]:
        raise Undescribed(f"docs/generator/words.toml: [{section}] lacks {', '.join(missing)}")
    if gone := [name for name in known if name not in wanted]:
        raise Undescribed(f"docs/generator/words.toml: [{section}] has {', '.join(gone)}, which the code has no more")
    return {name: known[name] for name in wanted}


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())  # a pipe or a line's end would end the cell
