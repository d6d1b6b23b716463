"""Access tokens: who may ask the server from another machine, and whether they may change anything.

A token is 256 bits of chance, shown once; kept is its SHA-256. A slow hash, as for passwords, would guard nothing:
nobody guesses such a number.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from crawler.errors import NotFound, UsageError
from crawler.interchange import Json, time_to_json
from crawler.store.connected import Connected
from crawler.store.tokentables import tokens
from crawler.store.transaction import Transaction

PREFIX = "wiretrace_"  # by which a scanner for secrets, or a person, knows one that leaked
LONGEST = 100  # characters of what is taken for a token
_USE_NOTED = timedelta(hours=1)  # between two notes that a token is in use: not each request is a write
_NAME = re.compile(r"[\w.@+-]{1,100}")


class Right(StrEnum):
    READ = "read"
    WRITE = "write"  # and read


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; the token itself is not."""

    name: str
    rights: Right
    created: datetime
    used: datetime | None
    revoked: datetime | None

    def as_json(self) -> Json:
        return {
            "name": self.name,
            "rights": self.rights.value,
            "created": time_to_json(self.created),
            "used": time_to_json(self.used),
            "revoked": time_to_json(self.revoked),
        }


class Tokens(Connected):
    async def create_token(self, name: str, rights: Right = Right.READ) -> str:
        """A new token, which can't be shown again. Raises UsageError for a name that is odd or was given before."""
        if not _NAME.fullmatch(name):
            raise UsageError(f"token: expected a name of letters, digits, . @ + - and _, got {name!r:.60}")
        secret = PREFIX + secrets.token_urlsafe(32)
        await self._db.write(_create, name, rights, _digest(secret))
        return secret

    async def tokens(self) -> list[Token]:
        """All that were ever made, the oldest first."""
        return await self._db.read(_all)

    async def revoke_token(self, name: str) -> None:
        """From now on it opens nothing. Raises NotFound; revoking twice is harmless."""
        await self._db.write(_revoke, name)

    async def token_of(self, secret: str) -> Token | None:
        """The live token that this is; None for anything else."""
        if not secret.startswith(PREFIX) or len(secret) > LONGEST:
            return None
        found = await self._db.read(_live, _digest(secret))
        if found is None:
            return None
        token, due = found
        if due:
            await self._db.write(_note_use, token.name)
        return token

    async def has_tokens(self) -> bool:
        """Whether there is a live one."""
        return await self._db.read(_any)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _create(tx: Transaction, name: str, rights: Right, digest: str) -> None:
    if tx.scalar(sa.select(tokens.c.no).where(tokens.c.name == name)) is not None:
        raise UsageError(f"token {name}: expected a new name, what was done with the old one bears it")
    made = {"name": name, "digest": digest, "rights": rights.value, "created": tx.now}
    tx.run(sa.insert(tokens).values(made))


def _all(tx: Transaction) -> list[Token]:
    return [_token(row) for row in tx.all(sa.select(tokens).order_by(tokens.c.no))]


def _revoke(tx: Transaction, name: str) -> None:
    if tx.scalar(sa.select(tokens.c.no).where(tokens.c.name == name)) is None:
        raise NotFound(f"there is no token {name}")
    tx.run(sa.update(tokens).where(tokens.c.name == name, tokens.c.revoked.is_(None)).values(revoked=tx.now))


def _live(tx: Transaction, digest: str) -> tuple[Token, bool] | None:
    row = tx.first(sa.select(tokens).where(tokens.c.digest == digest, tokens.c.revoked.is_(None)))
    return None if row is None else (_token(row), row.used is None or row.used <= tx.now - _USE_NOTED)


def _note_use(tx: Transaction, name: str) -> None:
    tx.run(sa.update(tokens).where(tokens.c.name == name).values(used=tx.now))


def _any(tx: Transaction) -> bool:
    return tx.scalar(sa.select(tokens.c.no).where(tokens.c.revoked.is_(None)).limit(1)) is not None


def _token(row: Row[Any]) -> Token:
    return Token(row.name, Right(row.rights), row.created, row.used, row.revoked)
