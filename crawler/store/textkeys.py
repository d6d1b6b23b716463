"""The secret that stands behind the hashes of originals: kept here from first use on, or given by a setting."""

from __future__ import annotations

import hashlib
import logging
import secrets
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.errors import StoreError
from crawler.model import Imprint
from crawler.store.righttables import text_keys
from crawler.store.transaction import Transaction

log = logging.getLogger(__name__)

KEY_BYTES = 16


def imprint_of(tx: Transaction, row: Row[Any]) -> Imprint | None:
    """What stands in for the text of a row of `held.NEWEST`; None where the text is there, or the key is not."""
    if row.hashes is None:
        return None
    key = _known_key(tx)
    return None if key is None else Imprint(key, row.hashes, row.agency)


def from_words(secret: str) -> bytes | None:
    """The key that a setting's secret stands for, whatever its length; None for an empty one."""
    return hashlib.blake2b(secret.encode(), digest_size=KEY_BYTES).digest() if secret else None


def name_of(key: bytes) -> str:
    return hashlib.blake2b(key, digest_size=8, person=b"wiretrace key").hexdigest()


def made(tx: Transaction) -> bytes:
    """See `Imprints.text_key`."""
    known = tx.first(sa.select(text_keys).with_for_update())
    if known is None:
        key = tx.text_key or secrets.token_bytes(KEY_BYTES)
        kept = None if tx.text_key else key
        row = {"id": 1, "name": name_of(key), "secret": kept, "made": tx.now}
        tx.run(tx.dialect.insert(text_keys).on_conflict_do_nothing(index_elements=["id"]), row)
        known = tx.first(sa.select(text_keys))
    found = _usable(tx, known)
    if found is None:
        raise StoreError("its texts were hashed with another key: expected that one as [database] text_key")
    return found


def _known_key(tx: Transaction) -> bytes | None:
    found = _usable(tx, tx.first(sa.select(text_keys)))
    if found is None:
        log.warning(
            "the key of the hashed originals is not the one that [database] text_key gives: they are passed over"
        )
    return found


@cache
def _warn() -> None:
    """Once a process: every decision asks for the key."""
    log.warning("the key of the hashed originals is not the one that [database] text_key gives: they are passed over")


def _usable(tx: Transaction, row: Row[Any] | None) -> bytes | None:
    if row is None:
        return None
    given: bytes | None = tx.text_key or row.secret
    return given if given is not None and name_of(given) == row.name else None
