"""Which row of a group is preferred."""

from __future__ import annotations

from pathlib import Path

import pytest

from crawler.errors import InputError, UsageError, WiretraceError
from crawler.jobs.keeping import Keep, Policy, host, parse_keep


def test_a_list_of_hosts_ranks_them(tmp_path: Path) -> None:
    path = tmp_path / "hosts.txt"
    path.write_text(
        "# ours\nwww.Best.example\n\nhttps://good.example/news  # a mirror\nbest.example\n", encoding="utf-8"
    )
    assert parse_keep(str(path)) == Keep(Policy.PREFERRED, {"best.example": 0, "good.example": 1})


@pytest.mark.parametrize(
    ("given", "content", "error", "said"),
    [
        ("latest", None, UsageError, "--keep: expected earliest, longest or a file of hosts, got 'latest'"),
        ("hosts.txt", b"# none\n", InputError, "hosts.txt: expected hosts, one a line, best first"),
        (
            "hosts.txt",
            b"a.example\nb c\n",
            InputError,
            "hosts.txt:2: expected one host such as news.example, got 'b c'",
        ),
        ("hosts.txt", b"\xff\xfe", InputError, "hosts.txt: expected a text file of hosts in UTF-8"),
    ],
)
def test_what_is_no_policy_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: str,
    content: bytes | None,
    error: type[WiretraceError],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path(given).write_bytes(content)
    with pytest.raises(error) as told:
        parse_keep(given)
    assert str(told.value) == said


@pytest.mark.parametrize(
    ("url", "expected"),
    [("https://WWW.News.example:8080/a", "news.example"), ("file:x", ""), ("http://[oops", ""), ("", "")],
)
def test_the_host_of_a_url(url: str, expected: str) -> None:
    assert host(url) == expected
