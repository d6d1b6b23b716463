"""The hosts of the pages in dumps and archives, counted from what stands beside the texts."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from warcio.archiveiterator import ArchiveIterator  # type: ignore[import-untyped]
from warcio.exceptions import ArchiveLoadFailed  # type: ignore[import-untyped]

from crawler import urls
from crawler.errors import InputError, UrlRefused
from crawler.interchange import Json, time_from_json
from crawler.jobs import dumps
from crawler.jobs.dumps import Columns
from crawler.jobs.seen_ids import SeenIds
from crawler.model import Role
from crawler.originals.opening import head

MAX_HOSTS = 1_000_000  # that are counted; names of more would be made up
_FIELDS = ("id", "url", "role", "published", "fetched", "first_seen", "rewrite", "original", "attribution")
_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

OnFault = Callable[[InputError], None]


@dataclass(slots=True)
class MetHost:
    """Pages of a host, those linked to an original, those attributed without a link, and an example: the newest of
    those that stem from another, else the newest."""

    host: str
    pages: int = 0
    linked: int = 0
    attributed: int = 0
    example: str = ""
    _newest: tuple[bool, datetime] = (False, _LONG_AGO)

    @property
    def stemming(self) -> int:
        return self.linked + self.attributed

    @property
    def share(self) -> float:
        """Of its pages that are linked or attributed."""
        return self.stemming / self.pages if self.pages else 0.0

    def meet(self, url: str, time: datetime | None, *, linked: bool = False, attributed: bool = False) -> None:
        self.pages += 1
        self.linked += linked
        self.attributed += attributed and not linked
        rank = (linked or attributed, time or _LONG_AGO)
        if not self.example or rank > self._newest:
            self.example, self._newest = url, rank


@dataclass(slots=True)
class MetHosts:
    """Hosts by name, each with its twin of `www.`."""

    hosts: dict[str, MetHost] = field(default_factory=dict)
    left_out: int = 0  # pages of hosts beyond MAX_HOSTS

    def at(self, url: str) -> MetHost | None:
        """The host of a page; None for what is no page of the web, or beyond the limit."""
        try:
            name = plain_host(urls.host_of(urls.normalize(url)))
        except UrlRefused:
            return None
        found = self.hosts.get(name)
        if found is None and len(self.hosts) < MAX_HOSTS:
            found = self.hosts[name] = MetHost(name)
        self.left_out += found is None
        return found


def plain_host(host: str) -> str:
    return host.removeprefix("www.") if host.count(".") > 1 else host


def expand(patterns: Sequence[str]) -> list[Path]:
    """As `dumps.expand`; of a folder its WARC files as well. Raises InputError."""
    found: dict[Path, Path] = {}
    for pattern in patterns:
        given = Path(pattern)
        archives = sorted(one for one in given.rglob("*.warc*") if _is_archive(one)) if given.is_dir() else []
        try:
            files = dumps.expand([pattern])
        except InputError:
            if not archives:
                raise
            files = []
        for path in [*files, *archives]:
            found.setdefault(path.resolve(), path)
    return list(found.values())


def met_in_files(paths: Sequence[Path], columns: Columns, on_fault: OnFault) -> MetHosts:
    """The hosts of dumps as `link` reads them, with its own output beside them, and of WARC files.

    A row of `link`'s output says by its id which page of a dump is linked, in whatever order the files come. Costs
    one pass over each file and 8 bytes for each linked page; of Parquet the columns of texts are not read. A row or
    file that can't be read is told to `on_fault`. Raises InputError where a file can't be opened.
    """
    met = MetHosts()
    linked = SeenIds()
    archives, outputs, pages = [], [], []
    for path in paths:
        if head(path, 16).startswith(b"WARC/"):
            archives.append(path)
        elif _is_output(path, columns):
            outputs.append(path)
        else:
            pages.append(path)
    for path in outputs:
        for _, row in _rows(path, columns, on_fault):
            if row.get("original") is not None:
                linked.add(str(row.get("rewrite")))
    for path in pages:
        _meet_rows(path, columns, linked, met, on_fault)
    for path in archives:
        _meet_records(path, met, on_fault)
    return met


def _meet_rows(path: Path, columns: Columns, linked: SeenIds, met: MetHosts, on_fault: OnFault) -> None:
    for number, row in _rows(path, columns, on_fault):
        url = row.get("url")
        if row.get("role") not in {None, "", Role.AGGREGATOR.value} or not isinstance(url, str):
            continue
        host = met.at(url)
        if host is not None:
            identifier = str(row.get("id") or f"{path}:{number}")
            host.meet(url, _time(row), linked=identifier in linked, attributed=bool(row.get("attribution")))


def _meet_records(path: Path, met: MetHosts, on_fault: OnFault) -> None:
    number = 0  # of records read
    try:
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream):
                number += 1
                if record.rec_type == "response" and _is_page(record.http_headers):
                    url = record.rec_headers.get_header("WARC-Target-URI") or ""
                    host = met.at(url.strip("<>"))
                    if host is not None:
                        host.meet(url, _as_time(record.rec_headers.get_header("WARC-Date")))
    except (ArchiveLoadFailed, EOFError, OSError, ValueError, zlib.error) as error:
        said = (str(error).splitlines() or [""])[0][:120] or type(error).__name__
        on_fault(InputError(path, f"expected more records, the file is damaged ({said})", number + 1))


def _is_page(answer: object) -> bool:
    """Whether an answer is an HTML page that was there; `answer` are its headers, None where it has none."""
    code = getattr(answer, "get_statuscode", lambda: "")()
    media = getattr(answer, "get_header", lambda _: None)("Content-Type") or ""
    return code == "200" and str(media).partition(";")[0].strip().lower() in _PAGES


def _is_output(path: Path, columns: Columns) -> bool:
    """Whether the file is what `link` wrote, by its first row."""
    _, row = next(_rows(path, columns, lambda _: None), (0, {}))
    return "rewrite" in row and "original" in row and "url" not in row


def _rows(path: Path, columns: Columns, on_fault: OnFault) -> Iterator[tuple[int, Json]]:
    for number, row in dumps.read_fields(path, columns, _FIELDS):
        if isinstance(row, str):
            on_fault(InputError(path, row, number))
        else:
            yield number or 0, row


def _is_archive(path: Path) -> bool:
    return path.is_file() and path.name.endswith((".warc", ".warc.gz", ".warc.open", ".warc.gz.open"))


def _time(row: Mapping[str, object]) -> datetime | None:
    return _as_time(row.get("published") or row.get("fetched") or row.get("first_seen"))


def _as_time(value: object) -> datetime | None:
    try:
        return time_from_json(value)
    except ValueError:
        return None
