"""The page of states: what sources, pages, articles and links can be, from the enumerations of the code."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from enum import Enum

from crawler import errors, model
from crawler.store.records import FrontierCounts
from docs.generator.words import described, table

_HEAD = """# States and codes

The words that `status`, `sources list`, `trace` and the exports use.

"""
_NO_STATE = {"failed_by_reason"}


def states_page() -> str:
    return "\n".join(
        [
            _HEAD,
            _section("Role of a source", "role", _values(model.Role)),
            _section("Kind of a source", "kind", _values(model.SourceKind)),
            _section("State of a source", "source-state", _values(model.SourceState)),
            _section("State of a page in the queue", "page-state", _queue_states()),
            _section("What a page turned out to be", "verdict", _values(model.Verdict)),
            _reasons(),
            _section("Completeness of an article", "completeness", _values(model.Completeness)),
            _section("Relation of a link", "relation", _values(model.Relation)),
            _section("Relation of a member to its story", "kinship", _values(model.Kinship)),
            _section("State of a link", "link-state", _values(model.LinkState)),
            _section("Outcome of a look", "look-outcome", _values(model.LookOutcome)),
            _section("Precedence", "precedence", _values(model.Precedence)),
            _section("Standing", "standing", _values(model.Standing)),
            _section("Kind of evidence", "evidence-kind", _values(model.EvidenceKind)),
            _section("Action of a change", "action", _values(model.Action)),
        ]
    )


def _queue_states() -> list[str]:
    return [one.name for one in fields(FrontierCounts) if one.name not in _NO_STATE]


def _values(kind: type[Enum]) -> list[str]:
    return [str(one.value) for one in kind]


def _section(title: str, section: str, names: list[str]) -> str:
    rows = ((f"`{name}`", meaning) for name, meaning in described(section, names).items())
    return f"## {title}\n\n" + table(("word", "meaning"), rows)


_OTHER_REASONS = {
    "settings": "no",
    "crashed": "no",
    "internal": "no",
    "decision": "yes",
    "site": "yes",
    "not-a-source": "at its next poll",
    "challenge": "at its next poll",
}


def _reasons() -> str:
    """The codes under which failures are counted: of requests with the first line of their errors' own words."""
    rows = []
    for error in vars(errors).values():
        if inspect.isclass(error) and issubclass(error, errors.FetchError) and error is not errors.FetchError:
            by_status = error is errors.BadStatus
            code = "status-…" if by_status else error.reason
            again = "408, 425, 429, 5xx" if by_status else ("yes" if error.retry else "no")
            said = (inspect.getdoc(error) or "").split("\n\n")[0]
            rows.append((f"`{code}`", again, re.sub(r"\s*`retry_after`[^.]*\.", "", said)))
    meanings = described("reason", _OTHER_REASONS)
    rows += [(f"`{name}`", again, meanings[name]) for name, again in _OTHER_REASONS.items()]
    intro = "*Retried* says whether it is tried again by itself, pages after `[run] retry_delay`.\n\n"
    return "## Reason of a failure\n\n" + intro + table(("code", "retried", "meaning"), rows)
