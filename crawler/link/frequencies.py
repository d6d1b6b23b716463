"""How rare stems are in a store's own texts: counted, joined with the package's tables, and made into new tables."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, islice
from typing import NamedTuple

from crawler.link.furniture import story_spans
from crawler.link.language import SAMPLE, guess
from crawler.link.lexicon import MAX_IDF, STEMMERS, Lexicon
from crawler.link.tables import MOST_ROWS, Table, shipped_idf, shipped_name, shipped_text, table_text
from crawler.link.text import MAX_CHARS, MAX_TOKENS, sentences, tokens

MOST_STEMS = 400_000  # of a language held while counting, some 60 MB
PRIOR_TEXTS = 1_000  # the package's table counts as much as so many texts
ONE_STORY = 10  # texts: a story in its forms, whose names are not commoner for being told again
_NOTICE = """\
# Counted by `wiretrace db idf` in {texts} texts of a store, joined with {shipped}, which counts as {prior} texts.
"""


class Text(NamedTuple):
    """What is read of an article. `language` as it declares it."""

    title: str
    text: str
    language: str | None


@dataclass(slots=True)
class Frequencies:
    """By language: how many texts were read, and in how many of them each stem stands.

    At most `most_stems` of a language are held. Beyond that the rarest are forgotten, those that stood in one text
    first: what they lack in the end is far less than the rarity at which all stems weigh the same.
    """

    most_stems: int = MOST_STEMS
    texts: Counter[str] = field(default_factory=Counter)
    stems: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, other: Frequencies) -> None:
        self.texts.update(other.texts)
        for language, counts in other.stems.items():
            held = self.stems.setdefault(language, Counter())
            held.update(counts)
            if len(held) > self.most_stems:
                self.stems[language] = _without_rarest(held, self.most_stems // 2)


def count(texts: Iterable[Text]) -> Frequencies:
    """The stems of some texts. What stands in another language than those with a table is left out."""
    found = Frequencies()
    for text in texts:
        language, stems = stems_of(text)
        if language in STEMMERS:
            found.texts[language] += 1
            found.stems.setdefault(language, Counter()).update(stems)
    return found


def stems_of(text: Text) -> tuple[str, set[str]]:
    """The language and the distinct stems of a text, read as far as the linker reads it and without furniture."""
    content = text.text[:MAX_CHARS]
    story = story_spans(content, text.title, sentences(content))
    found = islice(chain.from_iterable(tokens(content, story)), MAX_TOKENS)
    words = [word.lower().strip(".") for word in found]
    language = guess(words[:SAMPLE], text.language)
    stem = _stemming(language if language in STEMMERS else "").stem
    return language, {stem(word) for word in set(words) if word[0].isalpha()} - {""}


def refreshed(language: str, texts: int, counts: Mapping[str, int]) -> Table:
    """The table of a language with the stems of so many texts counted in.

    The share of texts that a stem stands in is taken over the texts counted and `PRIOR_TEXTS` more in which it is as
    frequent as the package's table says: with few texts the table stays nearly as it was, with many it tells of them
    alone. Of the texts that a stem is in beyond what that table lets expect, `ONE_STORY` do not count: a store holds
    what was rewritten with its rewrites, and the names that join them must not lose their weight by that. A stem as
    rare as those that no table has gets no row.
    """
    shares = joined(shipped_idf(language), texts, counts)
    rest = shipped_text(language).split("\n", 1)[1]
    inherited = "".join(line for line in rest.splitlines(keepends=True) if line.startswith("#"))
    notice = _NOTICE.format(texts=texts, shipped=shipped_name(language), prior=PRIOR_TEXTS) + inherited
    return Table(language, table_text(language, shares, MOST_ROWS, notice))


def joined(shipped: Mapping[str, float], texts: int, counts: Mapping[str, int]) -> dict[str, float]:
    """Stem → share of texts, for all stems that are more frequent than the rarest; see `refreshed`."""
    least, total = math.exp(-MAX_IDF), texts + PRIOR_TEXTS
    shares = {}
    for stem in shipped.keys() | counts.keys():
        if stem not in shipped and len(stem) < 2:
            continue  # a letter is no word: without a row it weighs nothing
        prior, counted = math.exp(-shipped.get(stem, MAX_IDF)), float(counts.get(stem, 0))
        if counted > texts * prior:
            counted = max(texts * prior, counted - ONE_STORY)
        share = (counted + PRIOR_TEXTS * prior) / total
        if share > least:
            shares[stem] = share
    return shares


def _without_rarest(counts: Counter[str], most: int) -> Counter[str]:
    floor = 0
    while len(counts) > most:
        floor += 1
        counts = Counter({stem: times for stem, times in counts.items() if times > floor})
    return counts


@cache
def _stemming(language: str) -> Lexicon:
    return Lexicon(language, {})
