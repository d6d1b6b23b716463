"""The sample web's stories told of other things: copies of which no two tell the same story.

In a copy each name is an invented one, each less common word another English one with the same ending, and numbers
have other digits; everywhere alike, so that what a rewrite shares with its original it still shares. Words that many
articles have, dates, publishers, and what a site's layout goes by stay.
"""

from __future__ import annotations

import calendar
import random
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from crawler.demo.stories import Stories
from crawler.link.tables import shipped_idf

COMMON = 12  # articles that have a word which stays
ENDINGS = ("ing", "ed", "ly", "s")
FREQUENT = 1_000  # stems of English that are in no story's own words
SYLLABLES = [f"{first}{vowel}{last}" for first in "bdfgklmnprstvz" for vowel in "aeiou" for last in ("", "l", "n", "r")]
DATES = {name.lower() for name in (*calendar.month_name, *calendar.day_name)}
LAYOUT = {"about", "author", "copyright", "photo", "write", "written"}
PUBLISHERS = {"barron", "jones", "journal", "mansion", "newswires", "street"}
WORD = re.compile(r"[A-Za-z]{5,}|\d+")
YEAR = re.compile(r"(19|20)\d\d")


class Retelling:
    """Copies of `stories` by number; number 0 is the stories themselves."""

    def __init__(self, stories: Stories) -> None:
        self._stories = stories
        articles = Counter[str]()
        plain = set[str]()
        for article in stories.articles:
            words = set(WORD.findall(f"{article.title} {article.text}"))
            articles.update({word.lower() for word in words})
            plain.update(word for word in words if word.islower())
        own = sorted(
            word for word, count in articles.items()
            if word.isalpha() and count < COMMON and word not in DATES | LAYOUT | PUBLISHERS
        )  # fmt: skip
        self._names = [word for word in own if word not in plain]
        self._plain = [word for word in own if word in plain]
        stems = list(shipped_idf("en"))[FREQUENT:]
        self._stems = [stem for stem in stems if len(stem) > 4 and stem.isascii() and stem.isalpha()]

    def copy(self, number: int) -> Stories:
        if number == 0:
            return self._stories
        words, digits = self._other_words(number)

        def retold(text: str) -> str:
            return WORD.sub(lambda found: _other(found.group(), words, digits), text)

        told = self._stories
        return replace(
            told,
            articles=tuple(replace(one, title=retold(one.title), text=retold(one.text)) for one in told.articles),
            teasers=tuple(replace(one, title=retold(one.title), text=retold(one.text)) for one in told.teasers),
            hyperlinks=tuple(replace(one, words=retold(one.words)) for one in told.hyperlinks),
        )

    def _other_words(self, number: int) -> tuple[dict[str, str], dict[int, str]]:
        source = random.Random(number)
        words = {name: "".join(source.choices(SYLLABLES, k=3)) for name in self._names}
        for word, stem in zip(self._plain, source.sample(self._stems, len(self._plain)), strict=True):
            words[word] = stem + next((ending for ending in ENDINGS if word.endswith(ending)), "")
        return words, str.maketrans("0123456789", "".join(source.sample("0123456789", 10)))


def _other(word: str, words: Mapping[str, str], digits: Mapping[int, str]) -> str:
    if word.isdigit():  # the first digit stays: the number is about as large
        return word if YEAR.fullmatch(word) else word[0] + word[1:].translate(digits)
    other = words.get(word.lower())
    if other is None:
        return word
    return other.upper() if word.isupper() else other.capitalize() if word[0].isupper() else other
