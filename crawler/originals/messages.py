"""Messages of a stream: each one JSON value as a file's line is one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from crawler.originals import factiva
from crawler.originals.items import Fault, Item
from crawler.originals.jsonvalues import of_line
from crawler.originals.opening import MAX_ITEM


def read_factiva_message(data: bytes, name: str, received: datetime, publisher: str = "") -> Iterator[Item]:
    """What every element of a message's `data` says; a Fault, with its number, for each that can't be read.

    `name` is how faults call the message. `received` stands in for the time of an order to remove that has none: the
    time when the message was published, so that a message which comes twice says the same twice.
    """
    if len(data) > MAX_ITEM:
        yield Fault(name, None, f"expected a message of at most {MAX_ITEM // 1_000_000} MB")
        return
    for number, row in enumerate(of_line(data), start=1):
        if isinstance(row, str):
            yield Fault(name, number, row)
            continue
        try:
            yield factiva.delivery(row, publisher, received)
        except ValueError as error:
            yield Fault(name, number, str(error))
