"""Whether two texts are one story, without roles: the word on rows of a dump, and on pages without an original.

A text belongs to another's story where it stems from that one, or that one, being clearly shorter, was made from it.
Texts that are worded alike only as forms are that were filled in differently are two stories.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import xxhash

from crawler.link.linker import Linker
from crawler.link.profile import NAME, NUMBER, Profile
from crawler.model import Article, Decision, Kinship, Relation

# Share of the weight of the lesser of two fingerprints that they have in common at least, to be compared: that of
# rewrites was 0.12 and more, that of two stories on one subject is about 0.05.
_LEAST_OVERLAP = 0.07
# The same of all keys. Two machine rewrites of one story had 0.14 and more; of pages above 0.07 that were no kin three
# in four had less.
_LEAST_WHOLE_OVERLAP = 0.12
_SHORTER = 0.8  # of the length of a text
_CONTRADICTED = 6.0  # weight of names or of numbers, about that of one rare name
_TERMS_KEPT = 4_096  # texts whose names and numbers are remembered

Terms = dict[int, float]  # with their weights


class FilledIn(NamedTuple):
    """The names and numbers of a text."""

    names: Terms
    numbers: Terms


class Kin:
    """Compares texts by themselves: who published them and when plays no part."""

    def __init__(self, linker: Linker) -> None:
        self._linker = linker
        self._terms: OrderedDict[tuple[str, int], FilledIn] = OrderedDict()

    def forward(self, text: Article, others: Sequence[Article]) -> Decision:
        """Which of the others, likeliest first, the text stems from."""
        left = [bare(other) for other in others]
        page = bare(text)
        decision = self._linker.decide(page, left)
        while decision.link is not None:
            stem = decision.link.original_id
            other = next(one for one in left if one.id == stem)
            if not self._is_form(decision.link.relation, page, other):
                break
            left.remove(other)
            decision = self._linker.decide(page, left)
        return decision

    def backward(self, text: Article, other: Article) -> Decision | None:
        """The decision on the other one, where that stems from the text. From one that is as long this would as well;
        an excerpt is another story."""
        if len(other.text) >= _SHORTER * len(text.text):
            return None
        decision = self._linker.decide(bare(other), [bare(text)])
        if decision.link is None or decision.link.relation is Relation.EXCERPT:
            return None
        return None if self._is_form(decision.link.relation, text, other) else decision

    def between(self, text: Article, first: Article) -> tuple[Kinship, float] | None:
        """How a text belongs to the story of the first one, with the probability; None where it does not."""
        if digest_of(text.text, text.id) == digest_of(first.text, first.id):
            return Kinship.COPY, 1.0
        forward = self.forward(text, [first])
        if forward.link is not None:
            return Kinship(forward.link.relation.value), forward.score
        backward = self.backward(text, first)
        if backward is None or backward.link is None:
            return None
        return reversed_kinship(backward.link.relation), backward.score

    def _is_form(self, relation: Relation, text: Article, other: Article) -> bool:
        return relation is Relation.COPY and contradict(self._filled_in(text), self._filled_in(other))

    def _filled_in(self, article: Article) -> FilledIn:
        key = (article.id, xxhash.xxh3_64_intdigest(article.text.encode("utf-8", "surrogatepass")))
        found = self._terms.get(key)
        if found is None:
            prepared = self._linker.profile(article)
            found = self._terms[key] = FilledIn(terms_of(prepared, NAME), terms_of(prepared, NUMBER))
            if len(self._terms) > _TERMS_KEPT:
                self._terms.popitem(last=False)
        return found


def worth_comparing(overlap: float, here: float, there: float) -> bool:
    """Whether two texts share enough of their keys, given the whole weight of each one's fingerprint."""
    return overlap >= _LEAST_OVERLAP * min(here, there)


def may_be_kin(overlap: float, here: float, there: float) -> bool:
    """The same where the overlap is that of all keys, not of those alone that a search reads."""
    return overlap >= _LEAST_WHOLE_OVERLAP * min(here, there)


def reversed_kinship(relation: Relation) -> Kinship:
    """What a text is to one that stems from it."""
    return Kinship.COPIED if relation is Relation.COPY else Kinship.REWRITTEN


def bare(article: Article) -> Article:
    """The article as it is compared: by its text alone.

    Who published it and when it was seen says which of two is the original, not whether they are one story.
    """
    return replace(article, publisher="", first_seen=None)


def digest_of(text: str, article_id: str) -> bytes:
    """The same for texts of the same words, whatever their spaces and case; texts without words are all different."""
    words = " ".join(text.casefold().split()) or f"\x00{article_id}"
    return hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def terms_of(prepared: Profile, kind: int) -> Terms:
    """The terms of one kind with their weights."""
    chosen = prepared.kinds == kind
    return dict(zip(prepared.terms[chosen].tolist(), prepared.weights[chosen].tolist(), strict=True))


def contradict(here: FilledIn, there: FilledIn) -> bool:
    """Whether two texts that are worded alike have mostly other names, or other numbers: a form that was filled in."""
    shared_names, other_names = _told_apart(here.names, there.names)
    shared_numbers, other_numbers = _told_apart(here.numbers, there.numbers)
    # A story with names of its own may well be printed under another date.
    return other_names > max(shared_names, _CONTRADICTED) or other_numbers > max(
        shared_numbers + shared_names / 2, _CONTRADICTED
    )


def _told_apart(here: Terms, there: Terms) -> tuple[float, float]:
    """The weight that both have, and that which each has and the other lacks, of the lesser one."""
    shared = sum(weight for term, weight in here.items() if term in there)
    lost = sum(weight for term, weight in here.items() if term not in there)
    missing = sum(weight for term, weight in there.items() if term not in here)
    return shared, min(lost, missing)
