"""Files that are there whole or not at all, and stay when the machine goes down."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from crawler.errors import InputError


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its name at the end. One job at a time writes it: what a killed one left is written over.

    Raises InputError where the folder can't be written.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        file = unfinished.open("wb")
    except OSError as error:
        raise InputError(path.parent, f"expected a folder that can be written ({error.strerror or error})") from None
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        _sync(path.parent)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def write_whole(path: Path, text: str) -> None:
    """Writes a small file; see `whole_file`."""
    with whole_file(path) as file:
        file.write(text.encode("utf-8"))


def _sync(folder: Path) -> None:
    """Makes a name last as well as the file that bears it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
