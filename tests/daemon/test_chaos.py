"""Killed, starved, cut off and set back: what is stored is what an undisturbed run stores.

The trials are those of `benchmarks/chaos.py`, on a small web.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import fresh_database

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.full


def chaos(*arguments: str) -> str:
    """What the benchmark tells; it fails where anything differs from an undisturbed crawl."""
    ran = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "chaos.py", "--pages", "60", "--hosts", "8", "--kills", "5", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture
def server(shared_folder: Path, tmp_path: Path) -> Iterator[str]:
    """A PostgreSQL on which databases can be made."""
    with fresh_database("postgresql", shared_folder, tmp_path) as url:
        yield url


def test_runs_that_are_killed_leave_what_an_undisturbed_one_stores() -> None:
    assert "kills: 5, then" in chaos("--only", "kills")


def test_a_disk_that_is_full_loses_nothing() -> None:
    told = chaos("--only", "disk")
    assert "disk: full " in told
    assert "disk: full 0 times" not in told


def test_a_clock_that_is_set_back_changes_nothing() -> None:
    assert "clock: set back" in chaos("--only", "clock")


def test_workers_of_postgresql_that_are_killed_leave_what_an_undisturbed_one_stores(server: str) -> None:
    assert "kills: 5, then" in chaos("--postgres", "--server", server, "--only", "kills")


def test_connections_that_are_dropped_change_nothing(server: str) -> None:
    told = chaos("--postgres", "--server", server, "--only", "connections")
    assert "connections: 5 backends ended, the run's exit code 0" in told
