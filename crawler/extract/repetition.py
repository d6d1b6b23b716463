"""What repeats over the pages of one site: paragraphs that no mark-up tells from the story, known by their repetition.

A disclaimer, the author's box, "Read also": a reader of many pages of a site passes over them, one of a single page
can't know. So the paragraphs of a site's recent pages are compared. Three things repeat and are no furniture: a
sentence that a few stories quote, which is told by the share of the pages; one story under many addresses, whose
pages have nothing else in them; and a notice that tells a text's origin, which is never counted.

All is a function of the set of pages: the order in which they came changes nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from math import fsum

import xxhash

from crawler.extract.trailer import find_trailers
from crawler.model import PARAGRAPH_BREAK, Blocks

MOST_BLOCKS = 100  # of a page that count: furniture stands at its ends, so half from each
LEAST_PAGES = 4  # clearly different pages of a site, before anything is said of it
_LEAST_BLOCK = 8  # characters; shorter paragraphs are told by nobody
_LONG = 120  # characters; to lose such a paragraph of a story costs a passage of evidence
# Pages that hold a paragraph, from which it is furniture: so many, and so large a share of the pages on top of a few.
# Newsrooms copy whole paragraphs of background into story after story, while short lines repeat on sections only.
_LEAST_HOLDERS, _SHARE = 4, 0.15
_LEAST_HOLDERS_LONG, _SHARE_LONG = 6, 0.3
_ON_TOP = 3
_REST = 0.15  # mean share of a text that is its own, in the pages that share a paragraph: below, they are one story
_LEAST_LEFT = 120  # characters of its own, without which a text stays whole
# Pages are counted in these steps: while more come, the share asked for stays, so that a paragraph at the limit
# changes sides once a step and not with every page.
_STEPS = (4, 5, 6, 8, 10, 12, 16, 20, 25, 32, 40, 50, 64, 80, 100, 128, 160, 200, 256, 320, 400, 512)


def key(text: str) -> int:
    """The hash of a text's words, whatever its case and white space: unsigned, 64 bits."""
    folded = text.casefold().strip()
    # Of all white space only the blank is printable; nearly every paragraph is spelled so already.
    if "  " in folded or not folded.isprintable():
        folded = " ".join(folded.split())
    return xxhash.xxh3_64_intdigest(folded.encode("utf-8", "replace"))


def blocks_of(title: str, text: str) -> Blocks:
    """A text as what a site's pages are compared by. At most `MOST_BLOCKS` hashes."""
    lengths: dict[int, int] = {}
    for _, found, part in _counted(text):
        lengths[found] = lengths.get(found, 0) + len(part)
    return Blocks(key(title), len(text), tuple(lengths), tuple(lengths.values()))


def furniture(pages: Sequence[Blocks]) -> frozenset[int]:
    """The paragraphs that are furniture of a site, by its recent pages.

    Pages of one headline count once. Linear in the number of blocks.
    """
    total = len({page.title for page in pages})
    if total < LEAST_PAGES:
        return frozenset()
    holders: dict[int, set[int]] = defaultdict(set)
    length: dict[int, int] = {}
    for page in pages:
        for one, characters in zip(page.keys, page.lengths, strict=True):
            holders[one].add(page.title)
            length[one] = min(characters, length.get(one, characters))
    seen = _STEPS[bisect_right(_STEPS, total) - 1]
    often = {one for one, titles in holders.items() if len(titles) >= _needed(seen, length[one])}
    rest = _rests(pages, often)
    return frozenset(one for one in often if _mean([rest[title] for title in holders[one]]) >= _REST)


def to_leave_out(blocks: Blocks, common: Collection[int]) -> frozenset[int]:
    """Those of a page's paragraphs that its text does without. None where next to nothing else would be left."""
    found = {one: size for one, size in zip(blocks.keys, blocks.lengths, strict=True) if one in common}
    return frozenset(found) if blocks.size - sum(found.values()) >= _LEAST_LEFT else frozenset()


def without(text: str, keys: Collection[int]) -> tuple[str, tuple[tuple[int, str], ...]]:
    """The text without these paragraphs, and each of them with its place among all."""
    if not keys:
        return text, ()
    out = {place: part for place, found, part in _counted(text) if found in keys}
    paragraphs = text.split(PARAGRAPH_BREAK)
    kept = PARAGRAPH_BREAK.join(part for place, part in enumerate(paragraphs) if place not in out)
    return kept, tuple(out.items())


def whole(text: str, left_out: Sequence[tuple[int, str]]) -> str:
    """The text that `without` was given."""
    paragraphs = text.split(PARAGRAPH_BREAK) if text else []
    for place, part in left_out:  # in the order of their places
        paragraphs.insert(place, part)
    return PARAGRAPH_BREAK.join(paragraphs)


@lru_cache(maxsize=1)  # a page is first compared by its paragraphs, and then goes without some of them
def _counted(text: str) -> tuple[tuple[int, int, str], ...]:
    """The paragraphs that count: place, hash, text."""
    paragraphs = text.split(PARAGRAPH_BREAK)
    half = MOST_BLOCKS // 2
    last = len(paragraphs) - half
    notices = set(find_trailers(paragraphs))
    return tuple(
        (place, key(part), part)
        for place, part in enumerate(paragraphs)
        if (place < half or place >= last) and len(part) >= _LEAST_BLOCK and place not in notices
    )


def _needed(total: int, characters: int) -> float:
    if characters < _LONG:
        return max(_LEAST_HOLDERS, _ON_TOP + _SHARE * total)
    return max(_LEAST_HOLDERS_LONG, _ON_TOP + _SHARE_LONG * total)


def _rests(pages: Sequence[Blocks], often: Collection[int]) -> Mapping[int, float]:
    """Headline → the share of its pages' text that is in no paragraph of `often`."""
    shares: dict[int, list[float]] = defaultdict(list)
    for page in pages:
        shared = sum(size for one, size in zip(page.keys, page.lengths, strict=True) if one in often)
        shares[page.title].append(max(0, page.size - shared) / max(1, page.size))
    return {title: _mean(found) for title, found in shares.items()}


def _mean(shares: Sequence[float]) -> float:
    return fsum(shares) / len(shares)  # exact: a plain sum depends on the order
