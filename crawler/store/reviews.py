"""People's words on links: kept for ever, with what they were about.

A word is a row that is never changed. It holds the versions and hashes of both texts, the evidence, the score and
the linker as they were when it was given, so that it stands whatever is decided or stored later.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.errors import ChangedSince, NotFound, UsageError
from crawler.interchange import Json, time_to_json
from crawler.model import Article, LinkState
from crawler.store import decisions
from crawler.store.connected import Connected
from crawler.store.reviewtables import reviews
from crawler.store.rows import article_of
from crawler.store.tables import articles, links, versions
from crawler.store.transaction import Transaction

MOST_NOTE = 2_000  # characters
MOST_NAME = 200
PAGE = 200  # rows held in memory at once


@dataclass(frozen=True, slots=True)
class ReviewedText:
    """One of the two texts that a word was about. `version` is None where it was not held any more."""

    id: str
    version: int | None
    hash: str


@dataclass(frozen=True, slots=True)
class Review:
    """A person's word on a link. `verdict` new: an earlier word was taken back; `undoes` is that one's number.

    `facts` are the link's relation, score, coverage, evidence, precedence, standing, linker and time of decision as
    they were, in the form of the public JSON. `text_gone`: when a deletion took the texts.
    """

    no: int
    link_id: str
    at: datetime
    verdict: LinkState
    before: LinkState
    undoes: int | None
    reviewer: str
    note: str
    rewrite: ReviewedText
    original: ReviewedText
    facts: Json
    text_gone: datetime | None

    def as_json(self) -> Json:
        """The public JSON of `export reviews`."""
        return {
            "no": self.no,
            "link": self.link_id,
            "at": time_to_json(self.at),
            "verdict": self.verdict.value,
            "before": self.before.value,
            "undoes": self.undoes,
            "reviewer": self.reviewer,
            "note": self.note,
            "rewrite": {"id": self.rewrite.id, "version": self.rewrite.version, "hash": self.rewrite.hash},
            "original": {"id": self.original.id, "version": self.original.version, "hash": self.original.hash},
            **self.facts,
            "text_gone": time_to_json(self.text_gone),
        }


class Reviews(Connected):
    async def review(
        self, link_id: str, verdict: LinkState, *, reviewer: str, note: str = "", seen: str | None = None
    ) -> Review:
        """A person confirms or rejects a link; what they saw is frozen with it.

        `seen` is the link's `mark` as it was shown: where it is another by now ChangedSince is raised and nothing
        written. The same word again changes nothing. Raises NotFound, UsageError.
        """
        return await self._db.write(_review, link_id, verdict, reviewer, note, seen)

    async def undo_review(self, reviewer: str) -> Review:
        """Takes back the person's last word that stands. Raises NotFound where there is none, ChangedSince where the
        link was judged by another since."""
        return await self._db.write(_undo, reviewer)

    async def reviews_of(self, link_id: str) -> list[Review]:
        """All words on a link, the oldest first."""
        return await self._db.read(of_link, link_id)

    async def export_reviews(self, after: int = 0) -> AsyncIterator[Review]:
        """All words numbered above `after`, in order, as a stream."""
        while rows := await self._db.read(_page, after):
            for one in rows:
                yield one
            after = rows[-1].no

    async def reviewed_pairs(self) -> AsyncIterator[tuple[Review, Article | None, Article | None]]:
        """The last word on each link, unless it was taken back, with the two texts it is about; None: not held."""
        after = 0
        while rows := await self._db.read(_standing, after):
            for one in rows:
                yield one
            after = rows[-1][0].no


def mark(row: Row[Any]) -> str:
    """What tells whether a link (a row of `links`) is as it was shown: of its state and its two texts."""
    content = f"{row.state} {row.relation} {row.rewrite_hash} {row.original_hash}"
    return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()


def of_link(tx: Transaction, link_id: str) -> list[Review]:
    found = tx.all(sa.select(reviews).where(reviews.c.link_id == link_id).order_by(reviews.c.no))
    return [_of_row(row) for row in found]


def _page(tx: Transaction, after: int) -> list[Review]:
    rows = sa.select(reviews).where(reviews.c.no > after).order_by(reviews.c.no).limit(PAGE)
    return [_of_row(row) for row in tx.all(rows)]


def _standing(tx: Transaction, after: int) -> list[tuple[Review, Article | None, Article | None]]:
    later = reviews.alias("later")
    last = ~sa.exists().where(later.c.link_id == reviews.c.link_id, later.c.no > reviews.c.no)
    words = sa.select(reviews).where(reviews.c.no > after, reviews.c.verdict != LinkState.NEW.value, last)
    found = [_of_row(row) for row in tx.all(words.order_by(reviews.c.no).limit(PAGE))]
    return [(word, _held(tx, word.rewrite), _held(tx, word.original)) for word in found]


def _held(tx: Transaction, text: ReviewedText) -> Article | None:
    of = (
        sa.select(articles.c.first_seen, versions.c.text, versions.c.fields)
        .join(versions, versions.c.article_no == articles.c.no)
        .where(articles.c.id == text.id, versions.c.version == text.version, versions.c.fields.is_not(None))
    )
    row = tx.first(of)
    return None if row is None else article_of(text.id, row.first_seen, row.text, row.fields)


def _review(tx: Transaction, link_id: str, verdict: LinkState, reviewer: str, note: str, seen: str | None) -> Review:
    if verdict not in {LinkState.CONFIRMED, LinkState.REJECTED}:
        raise UsageError(f"a link is confirmed or rejected, not {verdict.value}")
    row = tx.first(sa.select(links).where(links.c.id == link_id))
    if row is None:
        raise NotFound(f"there is no link {link_id}")
    if row.state == verdict and (last := of_link(tx, link_id)) and last[-1].verdict is verdict:
        return last[-1]
    if seen is not None and seen != mark(row):
        raise ChangedSince(f"link {link_id} is not as it was shown: look at it again")
    return _give(tx, row, verdict, reviewer, note, None)


def _undo(tx: Transaction, reviewer: str) -> Review:
    later = reviews.alias("later")
    stands = sa.select(reviews).where(
        reviews.c.reviewer == reviewer,
        reviews.c.undoes.is_(None),
        ~sa.exists().where(later.c.undoes == reviews.c.no),
    )
    last = tx.first(stands.order_by(reviews.c.no.desc()).limit(1))
    if last is None:
        raise NotFound(f"there is no word of {reviewer} to take back")
    row = tx.first(sa.select(links).where(links.c.id == last.link_id))
    if row is None or row.state != last.verdict:
        raise ChangedSince(f"link {last.link_id} was judged or decided anew since: look at it again")
    return _give(tx, row, LinkState(last.before), reviewer, "", last.no)


def _give(tx: Transaction, row: Row[Any], verdict: LinkState, reviewer: str, note: str, undoes: int | None) -> Review:
    why = f"{verdict.value} by {reviewer}" if undoes is None else f"{reviewer} took a word back"
    decisions.judge(tx, row.id, verdict, why)
    texts = [
        _text(tx, number, digest)
        for number, digest in ((row.rewrite_no, row.rewrite_hash), (row.original_no, row.original_hash))
    ]
    values = {
        "link_id": row.id,
        "at": tx.now,
        "verdict": verdict.value,
        "before": row.state,
        "undoes": undoes,
        "reviewer": reviewer[:MOST_NAME],
        "note": note[:MOST_NOTE],
        **{
            f"{side}_{name}": getattr(text, name)
            for side, text in zip(("rewrite", "original"), texts, strict=True)
            for name in ("id", "version", "hash")
        },
        **{
            name: getattr(row, name)
            for name in ("relation", "score", "coverage_rewrite", "coverage_original", "evidence")
        },
        **{name: getattr(row, name) for name in ("precedence", "standing", "linker", "decided")},
        "text_gone": None,
    }
    written = tx.first(sa.insert(reviews).values(values).returning(reviews))
    assert written is not None
    return _of_row(written)


def _text(tx: Transaction, number: int, digest: str) -> ReviewedText:
    identifier = str(tx.scalar(sa.select(articles.c.id).where(articles.c.no == number)))
    of = sa.select(versions.c.version).where(versions.c.article_no == number, versions.c.content_hash == digest)
    return ReviewedText(identifier, tx.scalar(of.order_by(versions.c.version.desc()).limit(1)), digest)


def _of_row(row: Row[Any]) -> Review:
    return Review(
        no=row.no,
        link_id=row.link_id,
        at=row.at,
        verdict=LinkState(row.verdict),
        before=LinkState(row.before),
        undoes=row.undoes,
        reviewer=row.reviewer,
        note=row.note,
        rewrite=ReviewedText(row.rewrite_id, row.rewrite_version, row.rewrite_hash),
        original=ReviewedText(row.original_id, row.original_version, row.original_hash),
        facts={
            "relation": row.relation,
            "score": round(row.score, 6),
            "coverage": {"rewrite": round(row.coverage_rewrite, 4), "original": round(row.coverage_original, 4)},
            "evidence": json.loads(row.evidence),
            "precedence": row.precedence,
            "standing": row.standing,
            "decided": time_to_json(row.decided),
            "linker": row.linker,
        },
        text_gone=row.text_gone,
    )
