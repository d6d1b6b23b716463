"""Made-up cases of reuse for training: what labelled corpora are short of, spliced from texts that are at hand.

Each function takes a random source of its own, so that a case depends on its article alone.
"""

from __future__ import annotations

import random
import re

from crawler.link.furniture import story_spans
from crawler.link.text import sentences
from crawler.model import Article

_NAME = re.compile(r"(?<=[a-z,] )[A-Z][\w’'.-]+(?: [A-Z][\w’'.-]+)*")
_DIGITS = re.compile(r"\d[\d,.]*\d|\d")
_LEAST_SWAPS = 12  # names and numbers that must differ before two texts are told apart by them


def story(article: Article) -> list[str]:
    """The sentences of an article without furniture, headlines and other lines that end without a full stop."""
    spans = story_spans(article.text, article.title, sentences(article.text))
    lines = [article.text[span.start : span.end] for span in spans]
    return [line for line in lines if line[-1] in '.!?"”’']


def copied(article: Article, other: Article, source: random.Random) -> str | None:
    """A copy: whole or cut short, with typos, furniture, and now and then the start of another story below it."""
    lines = story(article)
    if len(lines) < 5:
        return None
    choice = source.random()
    if choice < 0.35:
        lines = lines[: max(4, int(len(lines) * source.uniform(0.45, 0.9)))]
    elif choice < 0.5:
        lines = [line for line in lines if source.random() < 0.8] or lines
    text = _with_typos(paragraphs(lines), source, source.choice([0, 0.002, 0.01, 0.02]))
    if source.random() < 0.5:
        text = f"Written by staff\n\n{text}\n\nRead more: other stories on this site."
    if source.random() < 0.3:
        text += "\n\n" + paragraphs(story(other)[: source.randrange(1, 4)])
    return text


def lifted(article: Article, other: Article, source: random.Random) -> str | None:
    """Another's text with lightly edited sentences of the article, 26 to 45 % of the words."""
    lines, frame = story(article), story(other)[: source.randrange(10, 22)]
    if len(lines) < 8 or len(frame) < 8:
        return None
    share = source.uniform(0.26, 0.45)
    wanted = share / (1 - share) * _words(frame)
    runs: list[list[int]] = []
    used: set[int] = set()
    for _ in range(40):
        first, count = source.randrange(len(lines)), source.choice([1, 1, 2, 2, 3])
        run = [place for place in range(first, min(len(lines), first + count)) if place not in used]
        used.update(run)
        runs += [run] if run else []
        if _words([lines[place] for place in used]) >= wanted:
            break
    else:
        return None
    if source.random() < 0.7:
        runs.sort()
    places = sorted(source.randrange(len(frame) + 1) for _ in runs)
    for place, run in sorted(zip(places, runs, strict=True), key=lambda pair: -pair[0]):
        frame[place:place] = [_edited(lines[one], source) for one in run]
    return paragraphs(frame)


def condensed(rewrite: Article, source: random.Random) -> str | None:
    """A rewrite cut down to 90 to 220 words, the order mostly kept."""
    lines, wanted = story(rewrite), source.randrange(90, 221)
    if len(lines) < 8:
        return None
    order = list(range(len(lines)))
    source.shuffle(order)
    if source.random() < 0.6:
        order = [0, 1, *(place for place in order if place > 1)]
    kept: list[int] = []
    while order and _words([lines[place] for place in kept]) < wanted:
        kept.append(order.pop(0))
    if len(kept) > 0.7 * len(lines):
        return None
    kept.sort()
    if source.random() < 0.5 and len(kept) > 2:
        place = source.randrange(len(kept) - 1)
        kept[place], kept[place + 1] = kept[place + 1], kept[place]
    return paragraphs([lines[place] for place in kept])


def part(article: Article, source: random.Random, sentences: range) -> str | None:
    """So many sentences in a row of an article, mostly its first ones."""
    lines, wanted = story(article), source.choice(sentences)
    if len(lines) < wanted:
        return None
    first = 0 if source.random() < 0.6 else source.randrange(len(lines) - wanted + 1)
    return paragraphs(lines[first : first + wanted])


def background(rewrite: Article, other: Article, source: random.Random) -> str | None:
    """Another's text with one or two reworded sentences of a story in it: no rewrite of that story."""
    lines, frame = story(rewrite), story(other)[: source.randrange(14, 26)]
    if len(lines) < 4 or len(frame) < 10:
        return None
    first = source.randrange(len(lines) - 3)
    run = lines[first : first + source.randrange(1, 3)]
    if _words(run) > 0.12 * _words(frame):
        return None
    place = source.randrange(len(frame) + 1)
    frame[place:place] = run
    return paragraphs(frame)


def quoted(article: Article, other: Article, source: random.Random) -> str | None:
    """Another's text with a sentence or two of the article as they are, at most 12 % of the words: no excerpt yet."""
    lines, frame = story(article), story(other)[: source.randrange(14, 26)]
    if len(lines) < 4 or len(frame) < 10:
        return None
    first = source.randrange(len(lines) - 3)
    run = lines[first : first + source.randrange(1, 4)]
    if not 0.05 * _words(frame) <= _words(run) <= 0.14 * _words(frame):
        return None
    place = source.randrange(len(frame) + 1)
    frame[place:place] = run
    return paragraphs(frame)


def twin(text: str, names: list[str], source: random.Random) -> str | None:
    """The same formula about others: names and numbers exchanged, some paragraphs left out. No rewrite."""
    exchanged: dict[str, str] = {}
    swaps = 0

    def name(match: re.Match[str]) -> str:
        return exchanged.setdefault(match.group(), source.choice(names))

    def number(match: re.Match[str]) -> str:
        nonlocal swaps
        if source.random() < 0.15:
            return match.group()
        swaps += 1
        return "".join(str(source.randrange(1, 10)) if char.isdigit() else char for char in match.group())

    changed = _NAME.sub(name, text)
    for old, new in sorted(exchanged.items(), key=lambda pair: -len(pair[0])):
        if len(old) > 4:
            changed = changed.replace(old, new)
    changed = _DIGITS.sub(number, changed)
    if swaps + len(exchanged) < _LEAST_SWAPS:
        return None
    blocks = changed.split("\n\n")
    return "\n\n".join([block for block in blocks if source.random() < 0.85] or blocks)


def names_of(texts: list[str]) -> list[str]:
    """Names to exchange others for."""
    return sorted({name for text in texts for name in _NAME.findall(text) if 4 < len(name) < 25})


def paragraphs(lines: list[str], size: int = 3) -> str:
    return "\n\n".join(" ".join(lines[place : place + size]) for place in range(0, len(lines), size))


def _words(lines: list[str]) -> int:
    return sum(len(line.split()) for line in lines)


def _edited(line: str, source: random.Random) -> str:
    """A sentence with a word dropped here and there, sometimes cut short."""
    kept = [word for place, word in enumerate(line.split(" ")) if place == 0 or source.random() > 0.04]
    cut = source.random() < 0.25 and len(kept) > 12
    return " ".join(kept[: len(kept) * 2 // 3]) + "." if cut else " ".join(kept)


def _with_typos(text: str, source: random.Random, rate: float) -> str:
    words = text.split(" ")
    for place, word in enumerate(words):
        if len(word) > 4 and source.random() < rate:
            at = source.randrange(1, len(word) - 1)
            words[place] = (
                word[:at] + word[at + 1 :]
                if source.random() < 0.5
                else word[:at] + word[at + 1] + word[at] + word[at + 2 :]
            )
    return " ".join(words)
