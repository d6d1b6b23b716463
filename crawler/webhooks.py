"""Webhooks as data: which changes one is told, what is sent, how that is signed, and when it is tried again. No I/O.

What is sent bears the headers of Standard Webhooks (https://www.standardwebhooks.com).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from crawler.errors import BadStatus, FetchError
from crawler.interchange import Json, time_to_json
from crawler.model import Action, Change, LinkState, Standing, Subject

PREFIX = "whsec_"  # of a secret whose rest is the key in base64
LONGEST_WAIT = 3_600.0  # seconds between two tries, but for what the receiver asks
# Answers to what was sent, not to how the receiver fares: sending it again would change nothing.
_HOPELESS = frozenset({400, 405, 410, 413, 415, 422})


class Event(StrEnum):
    """What a webhook can be told: the change log's subjects, with what became of them."""

    LINK_NEW = "link.new"
    LINK_CHANGED = "link.changed"
    LINK_CONFIRMED = "link.confirmed"
    LINK_REJECTED = "link.rejected"
    LINK_RETRACTED = "link.retracted"
    ARTICLE_CREATED = "article.created"
    ARTICLE_CHANGED = "article.changed"
    ARTICLE_MERGED = "article.merged"
    ARTICLE_RETRACTED = "article.retracted"
    STORY_CREATED = "story.created"
    STORY_CHANGED = "story.changed"
    STORY_MERGED = "story.merged"
    STORY_RETRACTED = "story.retracted"
    MEMBER_CREATED = "member.created"
    MEMBER_CHANGED = "member.changed"
    MEMBER_RETRACTED = "member.retracted"

    @property
    def subject(self) -> Subject:
        return Subject(self.value.partition(".")[0])


OF_LINKS = tuple(event for event in Event if event.subject is Subject.LINK)


@dataclass(frozen=True, slots=True)
class Webhook:
    """One receiver. `publishers` and `standings`: empty means all. Seconds in `retry_delay`."""

    name: str
    url: str
    secret: bytes = field(repr=False)
    events: frozenset[Event] = frozenset(OF_LINKS)
    min_score: float = 0.0
    standings: frozenset[Standing] = frozenset()
    publishers: frozenset[str] = frozenset()
    retries: int = 12
    retry_delay: float = 10.0

    @property
    def subject(self) -> Subject | None:
        """The one subject that all its events are about; None where there are several."""
        subjects = {event.subject for event in self.events}
        return subjects.pop() if len(subjects) == 1 else None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the store knows of a change's subject beside its state, for what was retracted as well.

    `is_old`: it stood in the first document of its source, and no person has judged it: no news to anyone. `before`:
    the state that a link had. Of what is gone for good nothing is known.
    """

    is_old: bool = False
    publisher: str | None = None  # of the original, or of the article or story itself
    score: float | None = None
    standing: str | None = None
    before: str | None = None


def event_of(change: Change, before: str | None = None) -> Event:
    """What a row of the log tells; a link whose state is what it was `before` has changed in another way."""
    if change.subject is Subject.LINK and change.action is not Action.RETRACTED:
        state = change.state["state"] if change.state is not None else None
        if state in {LinkState.CONFIRMED, LinkState.REJECTED} and state != before:
            return Event(f"link.{state}")
        return Event.LINK_NEW if change.action is Action.CREATED else Event.LINK_CHANGED
    return Event(f"{change.subject.value}.{change.action.value}")


def is_wanted(hook: Webhook, change: Change, facts: Facts) -> bool:
    """Whether a webhook is told of a change. What is not known passes: a retraction too many does no harm."""
    if facts.is_old or event_of(change, facts.before) not in hook.events:
        return False
    if hook.publishers and facts.publisher is not None and facts.publisher not in hook.publishers:
        return False
    if change.subject is not Subject.LINK:
        return True
    if facts.score is not None and facts.score < hook.min_score:
        return False
    return not hook.standings or facts.standing is None or facts.standing in hook.standings


def delivery_id(hook: str, change: Change) -> str:
    """The same however often it is sent, in whatever process: by it a receiver knows what it has seen."""
    told = "\x00".join((hook, str(change.seq), time_to_json(change.at) or "", change.id))
    return "msg_" + hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def message(row: Json, event: str, delivery: str, now: datetime) -> bytes:
    """The body: a row of the change log as the API gives it, with what it is and when it is sent."""
    told = {"event": event, "delivery": delivery, "timestamp": time_to_json(now), **row}
    try:
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half a pair of surrogates, which a page's title may hold
        return json.dumps(told, separators=(",", ":")).encode()


def test_row(hook: str, now: datetime) -> Json:
    """A row that tells nothing, to try a receiver with."""
    told = {"seq": 0, "at": time_to_json(now), "subject": "webhook", "action": "test", "id": hook}
    return {**told, "reason": "a person wants to see it arrive", "state": None}


def headers(secret: bytes, delivery: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of one try. There are two signatures, and either is enough: the first is the one that libraries
    for Standard Webhooks check, over id, time and body; the second is over time and body alone."""
    stamp = str(int(now.timestamp()))
    signed = (b"%s.%s." % (delivery.encode(), stamp.encode()), b"%s." % stamp.encode())
    return {
        "Content-Type": "application/json",
        "webhook-id": delivery,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{_signature(secret, head + body)}" for head in signed),
    }


def key_of(secret: str) -> bytes:
    """The key that a secret stands for: what `whsec_` leads in is base64, any other secret is its own bytes.

    Raises ValueError.
    """
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"expected base64 behind {PREFIX}") from None


def wait_before(attempts: int, retry_delay: float, asked: float | None, chance: float) -> float:
    """Seconds until the next try after so many: doubled each time, at random (`chance`, 0 to 1) down to half of it, so
    that many that failed together do not come together again; never sooner than the receiver `asked` for."""
    usual = min(retry_delay * 2.0 ** min(attempts - 1, 40), LONGEST_WAIT)
    return max(usual * (0.5 + 0.5 * chance), asked or 0.0)


def is_hopeless(error: FetchError) -> bool:
    """Whether sending the same again can't help: refused for what it is, or an address that is not to be asked.

    A receiver that is unknown or closed (401, 403, 404) may be in the middle of a change of its own.
    """
    if isinstance(error, BadStatus):
        return error.status in _HOPELESS or 300 <= error.status < 400
    return not error.retry


def _signature(secret: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
