"""Webhooks told: the change log sent to each in order, at least once.

    change log → what a webhook wants → POST → its place moves behind that row
                                          ↘ tried again later, at last given up: a letter that a person can revive

Each webhook has its own place in the log and is told by one worker at a time. A delivery that fails holds up those
behind it till it arrives or is given up: order is kept.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from crawler import logfields
from crawler.clock import Clock
from crawler.errors import BadStatus, FetchError, NotFound, SettingsError
from crawler.fetch import Fetcher
from crawler.interchange import Json
from crawler.model import Change
from crawler.settings import MIN_SECRET, FetchSettings, Settings, WebhookSettings
from crawler.store import Store
from crawler.store.publishing import change_to_json
from crawler.store.webhooks import FARTHEST, Hold, Letter
from crawler.webhooks import (
    Event,
    Webhook,
    delivery_id,
    event_of,
    headers,
    is_hopeless,
    is_wanted,
    key_of,
    message,
    test_row,
    wait_before,
)

log = logging.getLogger(__name__)

PAGE = 50  # rows of the log held in memory at once, for each webhook
LETTERS = 20  # revived deliveries tried in one round
BESIDE = 60.0  # seconds beyond a request's own time for which a webhook is held


def webhooks_of(settings: Settings, environment: Mapping[str, str]) -> list[Webhook]:
    """The webhooks that are enabled, with their secrets. Raises SettingsError that names the variable at fault."""
    return [webhook_of(one, environment) for one in settings.webhooks if one.enabled]


def webhook_of(table: WebhookSettings, environment: Mapping[str, str]) -> Webhook:
    """One `[[webhooks]]` table with its secret. Raises SettingsError."""
    return Webhook(
        name=table.name,
        url=table.url,
        secret=_secret(table, environment),
        events=frozenset(table.events),
        min_score=table.min_score,
        standings=frozenset(table.standing),
        publishers=frozenset(table.publisher),
        retries=table.retries,
        retry_delay=table.retry_delay,
    )


def _secret(table: WebhookSettings, environment: Mapping[str, str]) -> bytes:
    variable, key = table.secret_env, f"webhooks: {table.name}: secret_env"
    value, file = environment.get(variable, ""), environment.get(f"{variable}_FILE", "")
    if value and file:
        raise SettingsError("environment", key, f"expected {variable} or {variable}_FILE, got both")
    if file:
        try:
            value = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise SettingsError("environment", key, f"expected a readable file in {variable}_FILE") from None
    if len(value) < MIN_SECRET:
        expected = f"expected a secret of at least {MIN_SECRET} characters in {variable} or {variable}_FILE"
        raise SettingsError("environment", key, expected)
    logfields.conceal(value)
    try:
        return key_of(value)
    except ValueError as error:
        raise SettingsError("environment", key, f"{variable}: {error}") from None


def sender(hooks: Collection[Webhook], fetch: FetchSettings, clock: Clock) -> Fetcher:
    """What posts to webhooks. The ports that their addresses name are open to it, and to no page that is crawled."""
    ports = {port for hook in hooks if (port := urlsplit(hook.url).port)}
    return Fetcher(fetch, clock, source_ports=ports)


@dataclass(slots=True)
class Courier:
    """Tells webhooks what changed. `halted` is set from outside: nothing new is begun."""

    store: Store
    fetcher: Fetcher
    hooks: Collection[Webhook]
    clock: Clock
    name: str  # of this worker
    patience: float  # seconds that one request may take
    halted: bool = False
    delivered: int = 0
    given_up: int = 0
    _by_name: dict[str, Webhook] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_name = {hook.name: hook for hook in self.hooks}

    async def begin(self) -> None:
        """Makes the webhooks known to the store: those that are new are told what comes from now on."""
        await self.store.know_webhooks(self._by_name)

    async def tell_all(self) -> None:
        """Sends what is due till nothing is, to all webhooks side by side."""
        while not self.halted and (due := await self.store.due_webhooks(self._by_name)):
            rounds = await asyncio.gather(*(self._tell(self._by_name[name]) for name in due))
            if not any(rounds):
                return  # others hold them

    async def _tell(self, hook: Webhook) -> bool:
        """One round of a webhook: what was revived, then the log to its end. False where another worker holds it."""
        hold = Hold(hook.name, self.name, self.patience + BESIDE)
        held = await self.store.hold_webhook(hold)
        if held is None:
            return False
        try:
            waits = held.next_try is not None and self.clock.now() < held.next_try < self.clock.now() + FARTHEST
            if await self._retell(hook, hold) and not waits:
                await self._read_on(hook, hold, held.seq, held.attempts)
        finally:
            await self.store.part_with_webhook(hold)
        return True

    async def _read_on(self, hook: Webhook, hold: Hold, place: int, attempts: int) -> None:
        """Tells what stands in the log behind `place`. `attempts`: tries of the first of it, so far."""
        more = True
        while more and not self.halted:
            page = await self.store.log_page(place, subject=hook.subject, limit=PAGE)
            facts = await self.store.facts_of(page.changes)
            for change, known in zip(page.changes, facts, strict=True):
                if not is_wanted(hook, change, known):
                    continue
                event = event_of(change, known.before)
                if self.halted or not await self._deliver(hook, hold, change, event, attempts):
                    return
                attempts = 0
            if page.last > place and not await self.store.note_webhook(hold, page.last, attempts=attempts):
                return
            place, more = page.last, page.more

    async def _deliver(self, hook: Webhook, hold: Hold, change: Change, event: Event, attempts: int) -> bool:
        """Sends one row; whether the next may follow: it arrived or was given up, and the webhook is still ours."""
        error = await self._send(hook, change_to_json(change), event, delivery_id(hook.name, change))
        if error is None:
            self.delivered += 1
            return await self.store.note_webhook(hold, change.seq, delivered=1)
        tried = attempts + 1
        if not is_hopeless(error) and tried <= hook.retries:
            again = self.clock.now() + timedelta(seconds=self._wait(hook, error, tried))
            await self.store.note_webhook(hold, change.seq - 1, attempts=tried, next_try=again, reason=_reason(error))
            log.info("webhook %s: %s, the next try is at %s", hook.name, _reason(error), again.strftime("%H:%M:%S"))
            return False
        self.given_up += 1
        log.warning("webhook %s: %s of change %d is given up: %s", hook.name, event.value, change.seq, _reason(error))
        letter = Letter(hook.name, change.seq, event.value, change.id, self.clock.now(), tried, _reason(error))
        return await self.store.note_webhook(hold, change.seq, reason=_reason(error), letter=letter)

    async def _retell(self, hook: Webhook, hold: Hold) -> bool:
        """Tries again what was revived; False where the webhook is not ours any more, or all has to end."""
        for letter in await self.store.revived_letters(hook.name, LETTERS):
            found = await self.store.log_page(letter.seq - 1, limit=1)
            error = None
            if found.changes and found.changes[0].seq == letter.seq:
                change = found.changes[0]
                row = change_to_json(change)
                error = await self._send(hook, row, Event(letter.event), delivery_id(hook.name, change))
            self.delivered += error is None
            after = letter if error is None else self._after(hook, letter, error)
            if not await self.store.note_letter(hold, after, delivered=error is None) or self.halted:
                return False
        return True

    def _after(self, hook: Webhook, letter: Letter, error: FetchError) -> Letter:
        tried = letter.attempts + 1
        due = None
        if not is_hopeless(error) and tried <= hook.retries:
            due = self.clock.now() + timedelta(seconds=self._wait(hook, error, tried))
        return replace(letter, attempts=tried, reason=_reason(error), due=due)

    def _wait(self, hook: Webhook, error: FetchError, tried: int) -> float:
        asked = error.retry_after if isinstance(error, BadStatus) else None
        return wait_before(tried, hook.retry_delay, asked, random.random())  # noqa: S311 - no secret

    async def _send(self, hook: Webhook, row: Json, event: str, delivery: str) -> FetchError | None:
        """One POST; why it failed, None where it did not."""
        now = self.clock.now()
        body = await asyncio.to_thread(message, row, event, delivery, now)
        try:
            await self.fetcher.post(hook.url, body, headers(hook.secret, delivery, body, now))
        except FetchError as error:
            return error
        return None


async def try_webhook(settings: Settings, name: str, clock: Clock) -> str:
    """Sends a delivery that tells nothing, at once and once; its id. Raises NotFound, SettingsError, FetchError."""
    table = next((one for one in settings.webhooks if one.name == name), None)
    if table is None:
        known = ", ".join(one.name for one in settings.webhooks) or "none"
        raise NotFound(f"webhook {name!r}: not in the settings; those that are: {known}")
    hook = webhook_of(table, os.environ)
    now = clock.now()
    delivery = f"msg_test_{int(now.timestamp() * 1_000_000):x}"
    body = message(test_row(name, now), "webhook.test", delivery, now)
    async with sender([hook], settings.fetch, clock) as fetcher:
        try:
            await fetcher.post(hook.url, body, headers(hook.secret, delivery, body, now))
        except FetchError as error:
            # Not its own words: they hold the whole address, and many a receiver's is a secret.
            raise FetchError(f"webhook {name}", _reason(error)) from None
    return delivery


def _reason(error: FetchError) -> str:
    """Why, without the address: that may hold a secret."""
    if isinstance(error, BadStatus) and 300 <= error.status < 400:
        return f"{error.detail}; redirects are not followed"
    return error.detail
