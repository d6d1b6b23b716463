"""Rows that a job leaves out: a few are told, all are counted, and a file lists them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from crawler.errors import InputError
from crawler.interchange import Json
from crawler.jobs.exporting import destination

MOST_TOLD = 20


class Rejects:
    """Takes faults. The file is made with the first one, or to take the place of that of an earlier job."""

    def __init__(self, tell: Callable[[InputError], None], open_file: Callable[[], TextIO | None]) -> None:
        self.count = 0
        self._tell, self._open = tell, open_file
        self._file: TextIO | None = None

    def __call__(self, fault: InputError) -> None:
        if not self.count:
            self._file = self._open()
        self.count += 1
        if self.count <= MOST_TOLD:
            self._tell(fault)
        if self._file is not None:
            self._file.write(json.dumps(reject_row(fault), ensure_ascii=False) + "\n")


def reject_row(fault: InputError) -> Json:
    """One row of the rejects file."""
    return {"file": fault.path, "line": fault.item, "reason": fault.expected}


@contextmanager
def rejects(path: Path | None, standard_output: TextIO, tell: Callable[[InputError], None]) -> Iterator[Rejects]:
    """Where faults go; with `path` they are listed there, in a file that is there whole or not at all."""
    with ExitStack() as stack:

        def open_file() -> TextIO | None:
            if path is None:
                return None
            return stack.enter_context(destination(None if str(path) == "-" else path, standard_output))

        taken = Rejects(tell, open_file)
        yield taken
        if not taken.count and path is not None and path.is_file() and path.stat().st_size:
            open_file()
