"""The one-way flow: a room imports what lies below it, never above or beside."""

from __future__ import annotations

import ast
import gc
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "crawler"

GROUND = {
    "settings", "checks", "model", "lookups", "errors", "urls", "clock", "interchange", "charset", "corpus",
    "redistribution", "resources", "metrics", "directives", "logfields", "habits", "rhythm", "schedule", "health",
    "webhooks",
}  # fmt: skip
ROOMS = {"discover", "fetch", "extract", "originals", "link", "store"}
PIPELINE = {"pipeline"}
WORK = {"daemon", "jobs", "demo", "evaluate"}
PAGES = {"web"}
CLUSTER = {"spark"}  # the batch of `jobs`, spread over many machines
FRONT = {"cli"}
FLOORS = [GROUND, ROOMS, PIPELINE, WORK, PAGES, CLUSTER, FRONT]


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path.name not in {"__main__.py"})


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def parsed(path: Path) -> ast.Module:
    gc.disable()  # early versions of Python 3.11 fail where other tests' garbage is collected while a tree is made
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    finally:
        gc.enable()


def imported_rooms(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(parsed(path)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            if parts[0] == "crawler" and len(parts) > 1:
                found.add(parts[1])
    known = set().union(*FLOORS)
    return found & known


def floor_of(room: str) -> int:
    return next(number for number, floor in enumerate(FLOORS) if room in floor)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_what_lies_below_it(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        assert not imported_rooms(path)
        return
    for other in imported_rooms(path) - {room}:
        beside_on_the_ground = floor_of(room) == floor_of(other) == 0
        assert floor_of(other) < floor_of(room) or beside_on_the_ground, f"{room} imports {other}"


def test_every_module_has_its_floor() -> None:
    assert {room_of(path) for path in modules()} - {"__init__"} <= set().union(*FLOORS)


@pytest.mark.parametrize(
    ("library", "room"),
    [
        ("aiohttp", {"fetch", "demo", "daemon", "web"}),
        ("sqlalchemy", {"store"}),
        ("alembic", {"store"}),
        ("pyspark", {"spark"}),
    ],
)
def test_a_library_stays_in_its_room(library: str, room: set[str]) -> None:
    for path in modules():
        text = path.read_text(encoding="utf-8")
        if f"import {library}" in text or f"from {library}" in text:
            assert room_of(path) in room, path
