"""The originals of a batch in a folder: an index that outlives the job, is added to, and needs next to no memory.

    index.json   what is settled: the linker, how many originals, the sizes of the files, the runs
    texts, ids   records one behind the other, `texts.ends` and `ids.ends` say where each one ends
    keys-N       index entries sorted by key; `names-N` the same by the hash of the id

Files are only ever added to, and runs written anew under another number. What index.json doesn't tell of is cut off
when the folder is opened: a job that was killed leaves the index as it last settled it.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from array import array
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from crawler.errors import InputError, LinkerMismatch, UsageError
from crawler.interchange import Json, article_from_json, article_to_json
from crawler.jobs.atomic import write_whole
from crawler.jobs.dumps import Row
from crawler.jobs.held import Held
from crawler.link import Linker
from crawler.link.postings import Run, best, merged, overlapping
from crawler.model import Article, Candidate, Fingerprint, Side

FORMAT = 1
_SETTLED = "index.json"
_UNSETTLED_MOST = 8_000_000  # entries gathered in memory before they are written, 64 MB
_LEVEL = 1  # of zlib


_KINDS = {"originals": int, "state": str, "keys": list, "names": list}


class Records:
    """Byte strings one behind the other in a file; a second file holds where each one ends."""

    def __init__(self, path: Path, count: int) -> None:
        self._ends_path = path.with_name(f"{path.name}.ends")
        self._data, self._ends = path.open("a+b"), self._ends_path.open("a+b")
        self._mapped: NDArray[np.int64] | None = None
        self.count = count
        self.size = 0
        if self._ends_path.stat().st_size >= 8 * count:
            self._ends.truncate(8 * count)
            self.size = self._end(count - 1)
        if path.stat().st_size < self.size or self._ends_path.stat().st_size < 8 * count:
            self.close()
            raise InputError(path, "the index is damaged: expected a longer file")
        self._data.truncate(self.size)

    def add(self, record: bytes) -> None:
        self._data.write(record)
        self.size += len(record)
        self.count += 1
        self._ends.write(self.size.to_bytes(8, "little"))

    def __getitem__(self, number: int) -> bytes:
        start, end = self._end(number - 1), self._end(number)
        return os.pread(self._data.fileno(), end - start, start)

    def settle(self) -> None:
        for file in (self._data, self._ends):
            file.flush()
            os.fsync(file.fileno())
        self._mapped = _mapped(self._ends_path, "<i8")

    def flush(self) -> None:
        self._data.flush()
        self._ends.flush()

    def close(self) -> None:
        self._data.close()
        self._ends.close()

    def _end(self, number: int) -> int:
        if number < 0:
            return 0
        if self._mapped is not None and number < len(self._mapped):
            return int(self._mapped[number])
        return int.from_bytes(os.pread(self._ends.fileno(), 8, 8 * number), "little")


class Runs:
    """Runs in files of one kind, the longest first, each at least twice as long as the next."""

    def __init__(self, folder: Path, kind: str, key_type: str, numbers: list[int]) -> None:
        self._folder, self._kind, self._type = folder, kind, key_type
        self.numbers = list(numbers)
        self.runs = [self._open(number) for number in numbers]

    def add(self, keys: NDArray[Any], slots: NDArray[np.uint32]) -> None:
        if not len(keys):
            return
        new = [Run(keys, slots)]
        while self.runs and len(self.runs[-1]) < 2 * sum(map(len, new)):
            new.append(self.runs.pop())
            self.numbers.pop()
        number = self._unused()
        # A key's entries keep the order in which they came: the older run goes first.
        with self._path(number).open("wb") as key_file, self._slots_path(number).open("wb") as slot_file:
            for some_keys, some_slots in merged(new[::-1]):
                key_file.write(some_keys.astype(self._type).tobytes())
                slot_file.write(some_slots.astype("<u4").tobytes())
            for file in (key_file, slot_file):
                file.flush()
                os.fsync(file.fileno())
        self.numbers.append(number)
        self.runs.append(self._open(number))

    def tidy(self) -> None:
        """Removes the files of runs that are none any more."""
        kept = {path for number in self.numbers for path in (self._path(number), self._slots_path(number))}
        for path in self._folder.glob(f"{self._kind}-*"):
            if path not in kept:
                path.unlink()

    def _open(self, number: int) -> Run:
        if not self._path(number).is_file() or not self._slots_path(number).is_file():
            raise InputError(self._path(number), "the index is damaged: expected a file")
        return Run(_mapped(self._path(number), self._type), _mapped(self._slots_path(number), "<u4"), is_sorted=True)

    def _unused(self) -> int:
        # Above all that lie there: a run in use by what is settled is never written over.
        taken = [int(path.name.split("-")[1].split(".")[0]) for path in self._folder.glob(f"{self._kind}-*")]
        return max(taken, default=0) + 1

    def _path(self, number: int) -> Path:
        return self._folder / f"{self._kind}-{number}"

    def _slots_path(self, number: int) -> Path:
        return self._folder / f"{self._kind}-{number}.slots"


class OriginalsOnDisk:
    """Fulfils `Originals`. Made by `opened_index`, which sees to it that one job at a time has the folder."""

    def __init__(self, folder: Path, linker: Linker) -> None:
        self._folder = folder
        self._made_by = {"linker": linker.id, "scheme": linker.scheme}
        settled = self._settled()
        self._texts = Records(folder / "texts", settled["originals"])
        self._ids = Records(folder / "ids", settled["originals"])
        self._keys = Runs(folder, "keys", "<i4", settled["keys"])
        self._names = Runs(folder, "names", "<u8", settled["names"])
        self._state = bytes.fromhex(settled["state"])
        self._entries, self._slots, self._hashes = array("i"), array("I"), array("Q")
        self._unsettled: dict[str, int] = {}
        self._keys.tidy()
        self._names.tidy()

    def __len__(self) -> int:
        return self._ids.count

    @property
    def state(self) -> str:
        """Of what has gone in, in which order: two indexes of one state answer alike."""
        return self._state.hex()

    def held(self, article_id: str) -> Held | None:
        number = self._number(article_id)
        if number is None:
            return None
        record = self._record(number)
        return Held(number, Path(record["file"]), record["line"])

    def is_same(self, held: Held, row: Row) -> bool:
        """Whether it has the same text: the index meets next month what it met before, in whatever file."""
        return self._article(held.number).text == row.article.text

    def add(self, row: Row, fingerprint: Fingerprint) -> None:
        article = row.article
        number = len(self)
        record = {"file": str(row.path), "line": row.number, "article": article_to_json(article)}
        packed = zlib.compress(json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass"), _LEVEL)
        name = article.id.encode("utf-8", "surrogatepass")
        self._texts.add(packed)
        self._ids.add(name)
        self._entries.extend(fingerprint.keys)
        self._slots.extend([number] * len(fingerprint.keys))
        self._hashes.append(_hash(name))
        self._unsettled[article.id] = number
        text = article.text.encode("utf-8", "surrogatepass")
        self._state = hashlib.blake2b(self._state + name + b"\x00" + text, digest_size=16).digest()
        if len(self._entries) >= _UNSETTLED_MOST:
            self.settle()

    def settle(self) -> None:
        """Makes all that was added part of the index, as one step."""
        if self._unsettled:
            self._keys.add(np.array(self._entries, dtype=np.int32), np.array(self._slots, dtype=np.uint32))
            first = len(self) - len(self._hashes)
            slots = np.arange(first, len(self), dtype=np.uint32)
            self._names.add(np.array(self._hashes, dtype=np.uint64), slots)
            self._entries, self._slots, self._hashes = array("i"), array("I"), array("Q")
            self._unsettled.clear()
        self._texts.settle()
        self._ids.settle()
        told: Json = {"format": FORMAT, **self._made_by, "originals": len(self), "state": self.state}
        told |= {"keys": self._keys.numbers, "names": self._names.numbers}
        write_whole(self._folder / _SETTLED, json.dumps(told, indent=2) + "\n")
        self._keys.tidy()
        self._names.tidy()

    def search(self, fingerprint: Fingerprint, limit: int, least: float) -> list[Candidate]:
        found, sums = overlapping(self._keys.runs, fingerprint, len(self), Side.ORIGINAL)
        return best(found, sums, limit, least, self._name)

    def article(self, article_id: str) -> Article:
        number = self._number(article_id)
        assert number is not None
        return self._article(number)

    def close(self) -> None:
        self._texts.close()
        self._ids.close()

    def _settled(self) -> Json:
        path = self._folder / _SETTLED
        if not path.exists():
            return {"originals": 0, "state": "", "keys": [], "names": []}
        try:
            told: Json = json.loads(path.read_text(encoding="utf-8"))
            if told["format"] != FORMAT:
                raise ValueError
            made_by = {name: str(told[name]) for name in self._made_by}
            if not all(isinstance(told[name], kind) for name, kind in _KINDS.items()):
                raise ValueError
        except (ValueError, KeyError, TypeError, OSError):
            raise InputError(path, "expected an index that `link --index` made") from None
        if made_by != self._made_by:
            raise _MadeByAnother(self._folder, " ".join(made_by.values()), " ".join(self._made_by.values()))
        return told

    def _number(self, article_id: str) -> int | None:
        if article_id in self._unsettled:
            return self._unsettled[article_id]
        name = article_id.encode("utf-8", "surrogatepass")
        wanted = np.array([_hash(name)], dtype=np.uint64)
        for run in self._names.runs:
            first, last = (int(bound[0]) for bound in run.bounds(wanted))
            for number in run.slots[first:last].tolist():
                if self._ids[number] == name:
                    return int(number)
        return None

    def _name(self, number: int) -> str:
        return self._ids[number].decode("utf-8", "surrogatepass")

    def _record(self, number: int) -> Json:
        if self._unsettled:
            self._texts.flush()
        record: Json = json.loads(zlib.decompress(self._texts[number]).decode("utf-8", "surrogatepass"))
        return record

    def _article(self, number: int) -> Article:
        return article_from_json(self._record(number)["article"])


class _MadeByAnother(LinkerMismatch):
    def __init__(self, folder: Path, found: str, expected: str) -> None:
        super().__init__(found, expected)
        self.args = (
            f"{folder}: the index was made by linker {found}, this program is {expected}: name another folder, "
            "or remove this one to have it made anew",
        )


@contextmanager
def opened_index(folder: Path, linker: Linker) -> Iterator[OriginalsOnDisk]:
    """The index in a folder, which is made where there is none.

    Raises UsageError where another job has it, InputError for another kind of folder, LinkerMismatch.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / _SETTLED).exists() and any(one for one in folder.iterdir() if one.name not in _OWN):
            raise InputError(folder, "expected a folder with an index, or an empty one")
        lock = FileLock(folder / "lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise UsageError(f"--index: {folder} is in use by another job") from None
    except OSError as error:
        raise InputError(folder, f"expected a folder that can be written ({error.strerror or error})") from None
    with ExitStack() as stack:
        stack.callback(lock.release)
        index = OriginalsOnDisk(folder, linker)
        stack.callback(index.close)
        yield index


# What lies in a folder whose index was never settled.
_OWN = frozenset(
    ("lock", "texts", "texts.ends", "ids", "ids.ends", "keys-1", "keys-1.slots", "names-1", "names-1.slots")
)


def _mapped(path: Path, kind: str) -> NDArray[Any]:
    if not path.stat().st_size:
        return np.zeros(0, dtype=kind)
    return np.memmap(path, dtype=kind, mode="r")


def _hash(name: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big")
