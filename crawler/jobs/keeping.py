"""Which row of a group is kept: the order in which rows are preferred."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from crawler.errors import InputError, UsageError
from crawler.model import Article


class Policy(StrEnum):
    EARLIEST = "earliest"  # by `published`; rows without it come last
    LONGEST = "longest"  # by the characters of `text`
    PREFERRED = "preferred"  # by the rank of its host in a list


@dataclass(frozen=True, slots=True)
class Keep:
    """A policy, and for `preferred` the rank of each host, 0 the best."""

    policy: Policy = Policy.EARLIEST
    ranks: Mapping[str, int] = field(default_factory=dict)

    def rank(self, article: Article) -> float:
        """Less is better, infinity is nothing to go by; rows of one rank go by id."""
        if self.policy is Policy.LONGEST:
            return -float(len(article.text))
        if self.policy is Policy.EARLIEST:
            return math.inf if article.published is None else article.published.timestamp()
        return self._rank_of_host(host(article.url))

    def _rank_of_host(self, name: str) -> float:
        """That of the host itself, else of the closest domain above it that is listed."""
        while name:
            if name in self.ranks:
                return float(self.ranks[name])
            _, _, name = name.partition(".")
        return math.inf


def parse_keep(text: str) -> Keep:
    """`earliest`, `longest`, or a file of hosts, one a line, best first. Raises UsageError, InputError."""
    if text in (Policy.EARLIEST, Policy.LONGEST):
        return Keep(Policy(text))
    path = Path(text)
    if not path.is_file():
        raise UsageError(f"--keep: expected earliest, longest or a file of hosts, got {text!r:.80}")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise InputError(path, "expected a text file of hosts in UTF-8") from None
    ranks: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        name = line.partition("#")[0].strip()
        if not name:
            continue
        if len(name.split()) > 1:
            raise InputError(path, f"expected one host such as news.example, got {name!r:.60}", number)
        ranks.setdefault(host(name if "//" in name else f"//{name}"), len(ranks))
    if not ranks:
        raise InputError(path, "expected hosts, one a line, best first")
    return Keep(Policy.PREFERRED, ranks)


def host(url: str) -> str:
    """The host of a URL without `www.`; "" where there is none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.").strip(".")
    except ValueError:
        return ""
