"""What the workers do with a batch of rows: sign, choose keys, shorten lists, decide; all by the linker's code."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from crawler.interchange import Json, article_from_json
from crawler.jobs.batch_linking import EvidenceLevel, link_row
from crawler.jobs.shards import line_of
from crawler.link import Linker
from crawler.link.frequencies import Text, stems_of
from crawler.link.index import MOST_LISTED, least_overlap, ranked, shortlist
from crawler.link.lexicon import STEMMERS
from crawler.link.minhash import SCHEME
from crawler.link.tables import Tables
from crawler.lookups import worth_reading
from crawler.model import Article, Candidate, Fingerprint, Side
from crawler.settings import LinkSettings

if TYPE_CHECKING:
    import pandas as pd

Frames = Iterator["pd.DataFrame"]
Work = Callable[[Frames], Frames]

KEYS = "keys array<int>"
SIGNED = "keys array<int>, weights array<double>"
CHOSEN = "page long, key int, weight double"
LISTED = "page long, position int, rank long"
DECIDED = "page long, row string, relation string"
STEMS = "language string, stem string"


@dataclass(frozen=True, slots=True)
class Setup:
    """What a worker makes its linker of."""

    settings: LinkSettings
    tables: Tables

    def linker(self) -> Linker:
        """The process's own, made once: it keeps the words and the profiles it met last."""
        return _linker(self.settings, self.tables)


@lru_cache(maxsize=2)
def _linker(settings: LinkSettings, tables: Tables) -> Linker:
    return Linker(settings, tables=tables)


def article_in(record: str) -> Article:
    return article_from_json(json.loads(record))


def signing_originals(setup: Setup) -> Work:
    """rank, id, record → the same with the index keys."""

    def sign(batches: Frames) -> Frames:
        linker = setup.linker()
        for batch in batches:
            keys = [list(linker.fingerprint(article_in(record)).keys) for record in batch["record"]]
            yield batch.assign(keys=keys)

    return sign


def signing_pages(setup: Setup) -> Work:
    """page, record → the same with keys and weights."""

    def sign(batches: Frames) -> Frames:
        linker = setup.linker()
        for batch in batches:
            signed = [linker.fingerprint(article_in(record)) for record in batch["record"]]
            yield batch.assign(keys=[list(one.keys) for one in signed], weights=[list(one.weights) for one in signed])

    return sign


def choosing_keys(batches: Frames) -> Frames:
    """page, found (key, weight, entries) → the keys that a search reads, by the rule of every index."""
    import pandas as pd

    for batch in batches:
        rows: list[tuple[int, int, float]] = []
        for page, found in zip(batch["page"], batch["found"], strict=True):
            weights = {int(one["key"]): float(one["weight"]) for one in found}
            chosen = worth_reading(((int(one["key"]), int(one["entries"])) for one in found), Side.ORIGINAL)
            rows += ((page, key, weights[key]) for key in chosen)
        yield pd.DataFrame(rows, columns=_names(CHOSEN)).astype({"page": "int64", "key": "int32", "weight": "float64"})


def listing(batches: Frames) -> Frames:
    """page, keys, weights, found (weight, ranks) → the originals that are compared, likeliest first.

    Ranks go in the order of ids: a tie that is broken by rank is broken by id.
    """
    import pandas as pd

    for batch in batches:
        rows: list[tuple[int, int, int]] = []
        columns = (batch["page"], batch["keys"], batch["weights"], batch["found"])
        for page, keys, weights, found in zip(*columns, strict=True):
            signed = Fingerprint("", SCHEME, b"", tuple(map(int, keys)), tuple(map(float, weights)))
            ranks = [rank for rank, _ in _listed(signed, found)]
            rows += ((page, position, rank) for position, rank in enumerate(ranks))
        yield pd.DataFrame(rows, columns=_names(LISTED)).astype({"page": "int64", "position": "int32", "rank": "int64"})


def deciding(setup: Setup, evidence: EvidenceLevel) -> Work:
    """page, record, originals (position, record) → the row of the output."""
    import pandas as pd

    def decide(batches: Frames) -> Frames:
        linker = setup.linker()
        for batch in batches:
            rows = []
            for page, record, originals in zip(batch["page"], batch["record"], batch["originals"], strict=True):
                ordered = sorted(() if originals is None else originals, key=lambda one: int(one["position"]))
                decision = linker.decide(article_in(record), [article_in(one["record"]) for one in ordered])
                row = link_row(decision, evidence)
                rows.append((page, line_of(row).rstrip("\n"), row["relation"]))
            yield pd.DataFrame(rows, columns=_names(DECIDED)).astype({"page": "int64"})

    return decide


def stemming(batches: Frames) -> Frames:
    """record → the distinct stems of each text, and one row with an empty stem for the text itself."""
    import pandas as pd

    for batch in batches:
        rows: list[tuple[str, str]] = []
        for record in batch["record"]:
            row: Json = json.loads(record)
            language, stems = stems_of(Text(row["title"] or "", row["text"], row["language"]))
            if language in STEMMERS:
                rows += ((language, stem) for stem in ("", *stems))
        yield pd.DataFrame(rows, columns=_names(STEMS))


def _listed(signed: Fingerprint, found: Sequence[Any]) -> list[tuple[int, float]]:
    """The shortlist of a page, given the originals of each key that it reads."""
    sums: dict[int, float] = {}
    for one in found:
        weight = float(one["weight"])
        for rank in one["ranks"]:
            sums[int(rank)] = sums.get(int(rank), 0.0) + weight
    least = least_overlap(signed)
    # Ranks as names of one width: they sort as numbers do.
    named = {f"{rank:020d}": overlap for rank, overlap in sums.items() if overlap >= least}
    candidates: list[Candidate] = shortlist(signed, ranked(named, MOST_LISTED))
    return [(int(one.article_id), one.overlap) for one in candidates]


def _names(schema: str) -> list[str]:
    return [column.split()[0] for column in schema.split(", ")]
