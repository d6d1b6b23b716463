"""Which hosts this process may ask: each belongs to one worker of the store at a time.

A host comes with a page that is leased, or is claimed before its first request (feeds, redirects to elsewhere); it is
let go when nothing has been asked of it for a moment, with word to the next owner of when it may begin.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from crawler.clock import Clock
from crawler.errors import HostHeldBack
from crawler.fetch.politeness import HostGate
from crawler.store import ClaimedSources, FrontierEntry, HostNote, Share, Store

LINGER = 1.0  # seconds without a request, after which a host is let go
PATIENCE = 15.0  # seconds that another worker's host is waited for
LOOK = 0.25  # seconds between two tries to get it
SHARE_SECONDS = 2.0  # between two looks at how many workers share the hosts
WORTH_NOTING = 15.0  # seconds: a longer wait is written down while the host is kept, for a restart to find


@dataclass(slots=True)
class HostDesk:
    """The hosts of one worker. `gate` is set once the fetcher stands."""

    store: Store
    worker: str
    clock: Clock
    lease_seconds: float
    gate: HostGate | None = None
    _most: int | None = None  # hosts that are this worker's part; None: it is alone
    _counted: float = -SHARE_SECONDS
    _owned: dict[str, HostNote] = field(default_factory=dict)  # as last written
    _used: dict[str, float] = field(default_factory=dict)  # when it was last busy, on the monotonic clock
    # Claims and partings go to the store one after the other: else one could overtake the other on its way.
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def owned(self) -> Collection[str]:
        return self._owned.keys()

    async def lease(
        self, limit: int, *, per_host: int, exclude_hosts: Collection[str], sources: Collection[str] | None
    ) -> list[FrontierEntry]:
        """Pages that are due, and their hosts with them."""
        async with self._turn:
            entries = await self.store.lease(
                self.worker,
                limit,
                per_host=per_host,
                seconds=self.lease_seconds,
                exclude_hosts=exclude_hosts,
                sources=sources,
                share=self._share(),
            )
            for entry in entries:
                if entry.host not in self._owned:
                    self._own(entry.host, HostNote(entry.not_before))
        return entries

    async def claim(self, host: str, url: str) -> datetime | None:
        """See `SharedHosts`."""
        self._used[host] = self.clock.monotonic()
        until = self.clock.monotonic() + PATIENCE
        while host not in self._owned:
            if await self.try_to_claim(host):
                break
            if self.clock.monotonic() >= until:
                self._used.pop(host, None)
                raise HostHeldBack(url, PATIENCE)
            await self.clock.sleep(LOOK)
        return None

    async def try_to_claim(self, host: str) -> bool:
        """Whether the host is ours now."""
        async with self._turn:
            if host not in self._owned:
                note = await self.store.claim_host(self.worker, host, self.lease_seconds)
                if note is None:
                    return False
                self._own(host, note)
        return True

    async def claim_sources(self, hosts: Mapping[str, str]) -> ClaimedSources:
        """Hosts of sources (name → host), as many of them as no other worker has, and these sources."""
        async with self._turn:
            found = await self.store.claim_sources(self.worker, hosts, self.lease_seconds)
            for host, note in found.notes.items():
                if host not in self._owned:
                    self._own(host, note)
        return found

    async def keep(self) -> None:
        """Extends all leases; a host that another worker has taken meanwhile is ours no more."""
        async with self._turn:
            still = await self.store.extend_leases(self.worker, self.lease_seconds)
            for host in self._owned.keys() - still:
                del self._owned[host]

    def _share(self) -> Share | None:
        """Which hosts may be leased from. Of too many the last by name are left: they run dry and are let go."""
        if self._most is None:
            return None
        kept = sorted(self._owned)[: self._most]
        return Share(tuple(self._owned), kept, max(0, self._most - len(self._owned)))

    async def tend(self, busy: Callable[[], Collection[str]]) -> None:
        """Lets go what is idle, and writes down what a restart must know. `busy`: hosts of which something is in
        hand."""
        gate = self.gate
        if gate is None:
            return
        if self.clock.monotonic() - self._counted >= SHARE_SECONDS:
            self._counted, self._most = self.clock.monotonic(), await self.store.hosts_for_each()
        async with self._turn:
            now, in_hand = self.clock.monotonic(), busy()
            for host in self._owned:
                if host in in_hand or not gate.is_idle(host):
                    self._used[host] = now
            idle = [host for host in self._owned if now - self._used.get(host, now) >= LINGER]
            parting = {host: self._note(gate, host) for host in idle}
            for host in parting:
                del self._owned[host]
                self._used.pop(host, None)
            if parting:
                await self.store.let_hosts_go(self.worker, parting)
            await self._write_down(gate)

    async def part(self) -> None:
        """Lets all of them go."""
        async with self._turn:
            if self.gate is not None and self._owned:
                await self.store.let_hosts_go(self.worker, {host: self._note(self.gate, host) for host in self._owned})
            self._owned.clear()

    async def _write_down(self, gate: HostGate) -> None:
        soon = self.clock.now() + timedelta(seconds=WORTH_NOTING)
        fresh: dict[str, HostNote] = {}
        for host, known in self._owned.items():
            note = self._note(gate, host)
            assert note.not_before is not None
            longer = note.not_before > max(soon, (known.not_before or soon) + timedelta(seconds=1))
            if longer or note.pace >= max(1.5 * known.pace, known.pace + 0.5):  # it follows the host's answers
                fresh[host] = note
        if fresh:
            self._owned |= fresh
            await self.store.note_hosts(self.worker, fresh)

    def _own(self, host: str, note: HostNote) -> None:
        self._owned[host] = note
        self._used[host] = self.clock.monotonic()
        if note.not_before is not None and self.gate is not None:
            self.gate.keep_away(host, note.not_before)

    @staticmethod
    def _note(gate: HostGate, host: str) -> HostNote:
        return HostNote(gate.not_before(host), gate.pace(host))
