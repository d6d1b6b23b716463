"""What a store tells: by its log, and by its exports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crawler.model import Subject
from crawler.redistribution import WITHIN_THE_HOUSE
from crawler.store import Store

Held = dict[str, dict[str, Mapping[str, object]]]  # subject → id → public JSON


def nothing_held() -> Held:
    return {subject.value: {} for subject in Subject}


async def replay(store: Store, since: int = 0, held: Held | None = None) -> Held:
    """What somebody holds who does nothing but read the log."""
    held = held if held is not None else nothing_held()
    async for change in store.changes(since, passing=WITHIN_THE_HOUSE):
        if change.state is None:
            held[change.subject.value].pop(change.id, None)
        else:
            held[change.subject.value][change.id] = change.state
    return held


async def exported(store: Store, **bounds: Any) -> Held:
    """The last row of each thing; memberships, which have no export of their own, are read the same way."""
    members = store._states(Subject.MEMBER, bounds.get("since"), bounds.get("as_of"))
    rows = store.export_articles(**bounds, passing=WITHIN_THE_HOUSE)
    return {
        "article": {str(row["id"]): row async for row in rows},
        "link": {str(row["id"]): row async for row in store.export_links(**bounds)},
        "story": {str(row["id"]): row async for row in store.export_stories(**bounds)},
        "member": {str(row["id"]): row async for row in members},
    }
