"""Writes the pages of docs/reference/ from the code: `python -m docs.generator`.

Names, types, defaults, bounds and help come from the code itself; what a JSON field or a state means stands in
`words.toml` beside this file, what a setting means in the comment behind it in `crawler/settings.py`. Something
without such words, and words for something that is gone, end the run with one line that says where.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from docs.generator.api import api_page
from docs.generator.commands import commands_page
from docs.generator.json_fields import json_page
from docs.generator.settings import settings_page
from docs.generator.states import states_page

REFERENCE = Path(__file__).resolve().parents[1] / "reference"

_NOTE = "<!-- Written by `python -m docs.generator` from the code: change that, not this page. -->\n\n"
_PAGES: Mapping[str, Callable[[], str]] = {
    "commands.md": commands_page,
    "settings.md": settings_page,
    "json.md": json_page,
    "states.md": states_page,
    "api.md": api_page,
}


def pages() -> dict[Path, str]:
    """What each generated page has to hold. Raises Undescribed."""
    return {REFERENCE / name: _NOTE + page().rstrip("\n") + "\n" for name, page in _PAGES.items()}
