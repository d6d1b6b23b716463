"""Which of the references are recent enough to be fetched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from crawler.model import Reference


@dataclass(frozen=True, slots=True)
class Selected:
    """`kept` in their order; `too_old` and `undated` are counts, the undated being among the kept."""

    kept: tuple[Reference, ...]
    too_old: int
    undated: int


def select(references: Iterable[Reference], *, now: datetime, max_age_days: float) -> Selected:
    """Leaves out what was published and last modified more than `max_age_days` before `now` (0: no limit).

    References without a date are kept, and so are those dated in the future, however far: clocks of publishers
    are wrong, and a page missed is lost.
    """
    oldest = now - timedelta(days=max_age_days) if max_age_days else None
    kept: list[Reference] = []
    too_old = undated = 0
    for reference in references:
        dates = [time for time in (reference.published, reference.modified) if time is not None]
        if not dates:
            undated += 1
        elif oldest is not None and max(dates) < oldest:
            too_old += 1
            continue
        kept.append(reference)
    return Selected(tuple(kept), too_old, undated)


def newest(references: Sequence[Reference], most: int) -> tuple[tuple[Reference, ...], tuple[Reference, ...]]:
    """The `most` newest references and the others, both in their order.

    Those without a date come after those with one, and among themselves as they stand: feeds begin with the newest.
    """
    if len(references) <= most:
        return tuple(references), ()

    def age(place: int) -> tuple[bool, float, int]:
        dates = [time for time in (references[place].published, references[place].modified) if time is not None]
        return not dates, -max(dates).timestamp() if dates else 0.0, place

    taken = set(sorted(range(len(references)), key=age)[:most])
    kept = tuple(one for place, one in enumerate(references) if place in taken)
    return kept, tuple(one for place, one in enumerate(references) if place not in taken)
