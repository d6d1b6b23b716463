"""What a batch was made of and what came of it, as a file beside its output: by it a restart knows its own shards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from crawler import __version__
from crawler.errors import InputError
from crawler.interchange import Json
from crawler.jobs.atomic import write_whole

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Input:
    """A file that is read, `given` as articles or originals."""

    path: str
    given: str
    bytes: int
    blake2b: str


@dataclass(frozen=True, slots=True)
class Shard:
    """A finished piece of the output: `rows` are those written, `articles` those that it tells of."""

    file: str
    articles: int
    rows: int
    linked: int
    relations: dict[str, int]
    bytes: int
    blake2b: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of one job. `job` is the digest of all that decides what is written."""

    linker: str
    settings: Json
    inputs: tuple[Input, ...]
    index: Json | None = None  # the state of the index on disk when all originals were in it
    shards: tuple[Shard, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    finished: bool = False

    @property
    def job(self) -> str:
        told = [self.linker, self.settings, [asdict(one) for one in self.inputs], self.index]
        return hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=16).hexdigest()

    def with_shard(self, shard: Shard) -> Manifest:
        return replace(self, shards=(*self.shards, shard))

    def done(self, counts: dict[str, int]) -> Manifest:
        return replace(self, counts=counts, finished=True)

    def differs(self, other: Manifest) -> str:
        """In what another job is not this one, in words; "" where it is the same."""
        if self.job == other.job:
            return ""
        for name, mine, theirs in (
            ("the linker", self.linker, other.linker),
            ("the settings", self.settings, other.settings),
            ("the index", self.index, other.index),
        ):
            if mine != theirs:
                return f"{name} was another"
        return "the input was another"

    def write(self, path: Path) -> None:
        """Raises InputError where the folder can't be written."""
        told: Json = {"format": FORMAT, "job": self.job, "wiretrace": __version__, **asdict(self)}
        write_whole(path, json.dumps(told, indent=2, ensure_ascii=False) + "\n")


def read_manifest(path: Path) -> Manifest:
    """Raises InputError for a file that no job of ours wrote."""
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if told["format"] != FORMAT:
            raise ValueError
        return Manifest(
            linker=told["linker"],
            settings=told["settings"],
            inputs=tuple(Input(**one) for one in told["inputs"]),
            index=told["index"],
            shards=tuple(Shard(**one) for one in told["shards"]),
            counts=told["counts"],
            finished=told["finished"],
        )
    except (ValueError, KeyError, TypeError, OSError):
        raise InputError(path, "expected a manifest that `wiretrace link` wrote") from None


def inputs(articles: Sequence[Path], originals: Sequence[Path]) -> tuple[Input, ...]:
    """The files with their digests. Raises InputError for one that can't be read."""
    return (*_digested(articles, "articles"), *_digested(originals, "originals"))


def digest(path: Path) -> str:
    """BLAKE2b-128 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _digested(paths: Iterable[Path], given: str) -> Iterable[Input]:
    for path in paths:
        try:
            yield Input(str(path), given, path.stat().st_size, digest(path))
        except OSError as error:
            raise InputError(path, f"can't be read: {error.strerror or error}") from None
