"""Which paths the rules of a robots.txt cover: RFC 9309, sections 2.2.2 and 2.2.3, to the letter. Pure.

A matcher of our own, because two things count here that parsers at hand don't give together: octets compared as the
RFC has it (an escaped `/` is none, an escaped `:` is one), and work that no file can drive up. A rule is compared in
time linear in the path, and of rules without a wildcard only as many as they have different lengths.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

_MANY_WILDCARDS = 300  # rules with `*`; more of them take a millisecond and longer for one URL
# Kept as they stand, since with them a URL is put together: `%2F` is another path than `/`. All other reserved
# characters are compared in their escaped form, however they were written.
_STRUCTURE = "/?&=+"
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_OTHERS = re.compile(r"[^A-Za-z0-9._~/?&=+%-]+|%(?![0-9A-Fa-f]{2})")


def canonical(text: str) -> str:
    """A path with its query in the one spelling in which octets are compared (RFC 9309, section 2.2.2)."""
    return _ESCAPE.sub(_respelt, _OTHERS.sub(lambda match: quote(match.group(), safe="", errors="replace"), text))


def _respelt(escape: re.Match[str]) -> str:
    octet = chr(int(escape.group(1), 16))
    return octet if octet.isascii() and (octet.isalnum() or octet in "-._~") else escape.group().upper()


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A rule with wildcards: `head` begins the path, `parts` follow in their order with anything between them."""

    length: int
    allows: bool
    head: str
    parts: tuple[str, ...]
    anchored: bool  # by `$`: the last part ends the path

    def covers(self, path: str) -> bool:
        if not path.startswith(self.head):
            return False
        at = len(self.head)
        floating = self.parts[:-1] if self.anchored else self.parts
        # The leftmost place for each part leaves the most room for the rest, so nothing has to be tried again.
        for part in floating:
            found = path.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        if not self.anchored:
            return True
        if not self.parts:
            return at == len(path)
        return len(path) - len(self.parts[-1]) >= at and path.endswith(self.parts[-1])


class RuleSet:
    """The rules of one group. `rules` are pairs of an allow or not and the pattern as written."""

    __slots__ = ("_lengths", "_plain", "_wild")

    def __init__(self, rules: Iterable[tuple[bool, str]]) -> None:
        self._plain: dict[str, bool] = {}  # what a path begins with, and whether it is then allowed
        wild: dict[tuple[str, tuple[str, ...], bool], _Pattern] = {}
        for allows, written in rules:
            pattern = _read(allows, written)
            if pattern is None:
                continue
            if not pattern.parts and not pattern.anchored and pattern.length == len(pattern.head):
                self._plain[pattern.head] = self._plain.get(pattern.head, False) or allows
                continue
            key = (pattern.head, pattern.parts, pattern.anchored)
            known = wild.get(key)
            if known is None or (pattern.length, pattern.allows) > (known.length, known.allows):
                wild[key] = pattern
        self._lengths = sorted({len(prefix) for prefix in self._plain}, reverse=True)
        # The first that covers a path decides: the longest, and of those as long one that allows.
        self._wild = sorted(wild.values(), key=lambda one: (-one.length, not one.allows))

    def __bool__(self) -> bool:
        return bool(self._plain or self._wild)

    @property
    def laborious(self) -> bool:
        """Whether a verdict may take longer than an event loop should be kept."""
        return len(self._wild) > _MANY_WILDCARDS

    def allows(self, url: str) -> bool:
        """The longest rule that covers the path of `url` decides, of two as long the one that allows."""
        best = (0, True)
        for path in _paths(url):
            best = max(best, self._verdict(path))
        return best[1]

    def _verdict(self, path: str) -> tuple[int, bool]:
        best = (0, True)
        for length in self._lengths:
            if length <= len(path) and (allows := self._plain.get(path[:length])) is not None:
                best = (length, allows)
                break
        for pattern in self._wild:
            if (pattern.length, pattern.allows) <= best:
                break
            if pattern.covers(path):
                return pattern.length, pattern.allows
        return best


def _read(allows: bool, written: str) -> _Pattern | None:
    """None for what is no path pattern: it begins with neither `/` nor `*`, or is empty."""
    if not written.startswith(("/", "*")):
        return None
    anchored = written.endswith("$")
    bare = written[:-1] if anchored else written
    head, *parts = (canonical(piece) for piece in _in_query_form(bare).split("*"))
    if anchored and parts and not parts[-1]:
        anchored = False  # `*$` is the same as nothing at the end
    length = len(head) + sum(map(len, parts)) + len(parts) + written.endswith("$")
    kept = [part for part in parts[:-1] if part] + parts[-1:]
    if not anchored:
        kept = [part for part in kept if part]
    return _Pattern(length, allows, head, tuple(kept), anchored)


def _in_query_form(path: str) -> str:
    """What follows the first `?` with its slashes escaped, as the RFC's example does: in a query they part nothing."""
    before, mark, query = path.partition("?")
    return before + mark + query.replace("/", "%2F") if mark else path


def _paths(url: str) -> tuple[str, ...]:
    """The path with its query as rules are compared with it; in two spellings where its query has slashes.

    A rule like `/*/print` tells by no `?` which of them it means, so each of them counts.
    """
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query or url.partition("#")[0].endswith("?") else "")
    plain = canonical(path)
    escaped = _in_query_form(plain)
    return (plain,) if escaped == plain else (plain, escaped)
