"""A folder into which deliveries are dropped: what is whole is taken over by renaming, done with, and put away.

    DIR/…             what is dropped, at any depth
    DIR/.taken/…      what is being imported; after a crash it is found there and imported again
    DIR/done/…        what was imported; a file `NAME.reason.txt` beside it tells the items that were left out
    DIR/failed/…      what could not be read at all, with `NAME.reason.txt`

A file is whole when its size and time have stood still for a while, or when it was renamed to its name: to the folder
both look alike, so both wait. Every step is one rename within the folder: killed between two of them, nothing is lost
and nothing is in two places.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from crawler.errors import InputError
from crawler.originals.sidecars import awaits_story, is_sidecar, sidecar_names

SETTLE = 2.0  # seconds that a file has to stand still
EMPTY_SETTLE = 60.0  # seconds; many clients make the file first and fill it later
TAKEN, DONE, FAILED = ".taken", "done", "failed"
REASON = ".reason.txt"
MAX_FILES = 100_000  # looked at in one look, so that a flood is worked off piece by piece
_UNFINISHED = re.compile(r"(?:\.(?:part|partial|tmp|temp|filepart|crdownload|swp|writing|uploading)|~)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Seen:
    size: int
    changed: int  # nanoseconds, as the system tells it
    since: float  # on the monotonic clock, when it was first seen like this


class DropFolder:
    """One folder, held by one process: `held` makes it."""

    def __init__(self, root: Path, settle: float) -> None:
        self.root = root
        self._settle = settle
        self._seen: dict[Path, _Seen] = {}

    @classmethod
    @contextmanager
    def held(cls, root: Path, settle: float = SETTLE) -> Iterator[DropFolder]:
        """The folder, ours alone until the block ends. Raises InputError where it is none, or another's."""
        if not root.is_dir():
            raise InputError(root, "expected a folder to watch")
        lock = FileLock(root / ".wiretrace.lock")
        try:
            lock.acquire(blocking=False)
            for name in (TAKEN, DONE, FAILED):
                (root / name).mkdir(exist_ok=True)
        except Timeout:
            raise InputError(root, "another `wiretrace import --watch` watches this folder") from None
        except OSError as error:
            raise InputError(root, f"expected a folder that can be written: {error.strerror or error}") from None
        try:
            yield cls(root, settle)
        finally:
            lock.release()

    def left_over(self) -> list[Path]:
        """What an earlier process had taken and not put away, as `take` gives it."""
        taken = self.root / TAKEN
        names = sorted(one.relative_to(taken) for one in taken.rglob("*") if one.is_file() or one.is_symlink())
        for name in names:
            self._take_sidecars(name)
        beside = {name.parent / sidecar for name in names for sidecar in sidecar_names(name.name)}
        return [taken / name for name in names if name not in beside]

    def look(self, now: float) -> list[Path]:
        """Names (relative to the folder) of the files that are whole at `now`, of the monotonic clock, in order."""
        seen = {}
        for name, size, changed in self._dropped():
            before = self._seen.get(name)
            same = before is not None and (before.size, before.changed) == (size, changed)
            seen[name] = before if same and before is not None else _Seen(size, changed, now)
        self._seen = seen
        whole = {name for name, one in seen.items() if now - one.since >= (self._settle if one.size else EMPTY_SETTLE)}
        return sorted(name for name in whole if self._is_ready(name, whole))

    def take(self, name: Path) -> Path | None:
        """Moves a file out of reach of whoever dropped it, with its sidecar; None where it is gone by now."""
        target = self.root / TAKEN / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            (self.root / name).rename(target)
        except FileNotFoundError:
            return None
        self._take_sidecars(name)
        return target

    def dropped_name(self, taken: Path) -> Path:
        """Where a taken file lay."""
        return taken.relative_to(self.root / TAKEN)

    def put_away(self, taken: Path, *, failed: bool, reasons: Sequence[str] = ()) -> None:
        """Moves a taken file to `done` or `failed`; the reasons are beside it before it is there itself."""
        folder = self.root / (FAILED if failed else DONE)
        name = self.dropped_name(taken)
        target = _free(folder / name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if reasons:
            target.with_name(target.name + REASON).write_text("\n".join(reasons) + "\n", encoding="utf-8")
        for sidecar in sidecar_names(taken.name):
            if (found := taken.with_name(sidecar)).is_file():
                found.rename(_free(target.with_name(sidecar)))
        taken.rename(target)

    def _dropped(self) -> Iterator[tuple[Path, int, int]]:
        count = 0
        for at, folders, files in os.walk(self.root):
            folder, top = Path(at), Path(at) == self.root
            folders[:] = sorted(
                one for one in folders if not one.startswith(".") and not (top and one in {DONE, FAILED})
            )
            for file in sorted(files):
                if file.startswith(".") or _UNFINISHED.search(file):
                    continue
                count += 1
                if count > MAX_FILES:
                    return
                path = folder / file
                try:
                    told = path.lstat()
                except OSError:
                    continue  # taken back, or renamed at this moment
                yield path.relative_to(self.root), told.st_size, told.st_mtime_ns

    def _is_ready(self, name: Path, whole: set[Path]) -> bool:
        """A story waits for its sidecar to be whole; a sidecar comes with its story and never alone."""
        if awaits_story(name.name) or is_sidecar(name.name, lambda other: name.parent / other in self._seen):
            return False
        return {name.parent / one for one in sidecar_names(name.name)} & self._seen.keys() <= whole

    def _take_sidecars(self, name: Path) -> None:
        for sidecar in sidecar_names(name.name):
            lies = self.root / name.parent / sidecar
            if lies.is_file() and not lies.is_symlink():
                lies.rename(self.root / TAKEN / name.parent / sidecar)


def _free(path: Path) -> Path:
    """The path, or one beside it where a file of that name was put away before."""
    number = 1
    found = path
    while found.exists() or found.with_name(found.name + REASON).exists():
        number += 1
        found = path.with_name(f"{path.stem}~{number}{path.suffix}")
    return found
