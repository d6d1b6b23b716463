"""The manual holds what the code has, its pages lead somewhere, and its commands exist."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import typer

from crawler.cli.app import app
from crawler.interchange import ARTICLE_FIELDS
from docs.generator import pages, screens
from docs.generator.commands import walk
from docs.generator.settings import keys

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"

_FENCE = re.compile(r"^( *`{3,}).*?^\1\s*$", re.MULTILINE | re.DOTALL)  # indented in lists
_INLINE_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*$", re.MULTILINE)
PNG = b"\x89PNG\r\n\x1a\n"
_SHELL = {"|", ">", ">>", "<", "&&", "||", ";", "&", "2>"}


def markdown() -> list[Path]:
    return sorted(DOCS.rglob("*.md"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# --- the reference is what the code says ---------------------------------------------------------------------


def test_the_committed_reference_is_what_the_generator_writes() -> None:
    stale = [name_of(path) for path, text in pages().items() if not path.is_file() or path.read_text("utf-8") != text]
    assert not stale, f"run `python -m docs.generator`: {', '.join(stale)}"


def test_every_command_has_its_place() -> None:
    text = (REFERENCE / "commands.md").read_text("utf-8")
    root, context = command_line()
    for command, ctx in walk(root, context):
        if hasattr(command, "commands"):
            continue
        assert f"\n## {ctx.command_path}\n" in text
        for parameter in command.params:
            for option in (*parameter.opts, *parameter.secondary_opts):
                assert not option.startswith("-") or option in text


def test_every_setting_has_its_place() -> None:
    text = (REFERENCE / "settings.md").read_text("utf-8")
    for key in keys():
        section, name = key.split(".")
        listed = re.search(rf"^## `\[+{section}\]+`$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        assert listed is not None, section
        assert f"\n| `{name}`" in listed.group(1), key


def test_every_field_of_an_article_has_its_place() -> None:
    text = (REFERENCE / "json.md").read_text("utf-8")
    for field in ARTICLE_FIELDS:
        assert f"\n| `{field}` |" in text, field


# --- the commands that are shown -----------------------------------------------------------------------------


def shown_commands() -> Iterator[tuple[str, str]]:
    """Each `$ wiretrace …` of a code block with the page it stands in; lines ending in a backslash go on.

    The README's blocks are indented and have no prompt.
    """
    for path in markdown():
        for block in _FENCE.finditer(path.read_text("utf-8")):
            for line in re.sub(r"\\\n\s*", "", block.group()).splitlines():
                if found := re.match(r"\s*\$ ((?:\w+=\S* )*wiretrace\b.*)", line):
                    yield name_of(path), found.group(1)
    for line in re.findall(r"^    (wiretrace .*)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE):
        yield "README.md", line


def command_line() -> tuple[Any, Any]:
    root = typer.main.get_command(app)
    return root, root.make_context("wiretrace", [], resilient_parsing=True)


def arguments_of(shown: str) -> list[str]:
    """The words after `wiretrace`, up to what is the shell's."""
    lexer = shlex.shlex(shown, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words = list(lexer)
    words = words[words.index("wiretrace") + 1 :]
    end = next((place for place, word in enumerate(words) if word in _SHELL), len(words))
    return words[:end]


def parse(arguments: list[str]) -> None:
    """What the command line does with its arguments, short of running the command. Raises its usage errors."""
    command, context = command_line()
    known = {option for parameter in command.params for option in parameter.opts}
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        assert rest[0] in known, f"there is no global option {rest[0]}"
        takes_value = rest.pop(0) in {"--config", "--log-format"}
        rest = rest[1:] if takes_value else rest
    while hasattr(command, "commands") and rest:
        assert rest[0] in command.commands, f"there is no command {rest[0]}"
        command = command.commands[rest[0]]
        context = type(context)(command, info_name=rest[0], parent=context)
        rest = rest[1:]
    if "--help" not in rest and not hasattr(command, "commands"):
        command.parse_args(context, rest)


@pytest.mark.parametrize(("page", "shown"), [pytest.param(*one, id=" ".join(one)[:80]) for one in shown_commands()])
def test_a_command_that_is_shown_exists(page: str, shown: str) -> None:
    try:
        parse(arguments_of(shown))
    except typer.BadParameter.__base__ as error:  # type: ignore[misc]
        pytest.fail(f"{page}: {shown}: {error}")


@pytest.mark.parametrize("wrong", ["wiretrace run --onc", "wiretrace db shrink", "wiretrace export everything"])
def test_a_command_that_is_none_would_be_told(wrong: str) -> None:
    with pytest.raises((AssertionError, typer.BadParameter.__base__)):  # type: ignore[arg-type]
        parse(arguments_of(wrong))


# --- links, pictures, the list of pages ----------------------------------------------------------------------


def links(path: Path) -> list[str]:
    text = _INLINE_CODE.sub("", _FENCE.sub("", path.read_text("utf-8")))
    return [target for target in _LINK.findall(text) if "://" not in target and not target.startswith("mailto:")]


def anchors(path: Path) -> set[str]:
    """The ids that Python-Markdown gives to a page's headings."""
    found = set()
    for heading in _HEADING.findall(_FENCE.sub("", path.read_text("utf-8"))):
        plain = re.sub(r"[^\w\s-]", "", heading.replace("`", "")).strip().lower()
        found.add(re.sub(r"[-\s]+", "-", plain))
    return found


@pytest.mark.parametrize("path", markdown(), ids=name_of)
def test_links_and_pictures_of_a_page_lead_somewhere(path: Path) -> None:
    for target in links(path):
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.is_file(), f"{name_of(path)}: {target}"
        assert there.is_relative_to(DOCS), f"{name_of(path)}: {target} is not a part of the manual"
        assert not anchor or anchor in anchors(there), f"{name_of(path)}: {target}"


def test_the_readme_shows_pictures_that_are_there_and_load_fast() -> None:
    shown = [target for target in links(ROOT / "README.md") if target.endswith(".png")]
    assert sorted(shown) == ["docs/pictures/compare.png", "docs/pictures/inbox.png"]
    for picture in (DOCS / "pictures").iterdir():
        assert picture.read_bytes()[:8] == PNG, picture.name
        assert picture.stat().st_size <= screens.LARGEST, picture.name


@pytest.mark.full
def test_a_browser_takes_the_pictures_from_the_demo(tmp_path: Path) -> None:
    if screens.chromium() is None:
        pytest.skip("no chromium here: .ci/packages installs it where there is apt")
    pytest.importorskip("playwright", reason="playwright is not installed")
    screens.main(tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(one.name for one in (DOCS / "pictures").iterdir())
    assert all(one.read_bytes()[:8] == PNG for one in tmp_path.iterdir())


def test_every_page_is_in_the_list_of_pages() -> None:
    listed = re.findall(r":\s*([\w/.-]+\.md)\s*$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == [path.relative_to(DOCS).as_posix() for path in markdown()]


# --- the tutorial does what it shows -------------------------------------------------------------------------


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """The access log is nobody's business here."""


@pytest.fixture
def news_site(tmp_path: Path) -> Iterator[int]:
    """The tutorial's files in `tmp_path` and its news site on loopback; gives the port."""
    shutil.copytree(DOCS / "first-link", tmp_path, dirs_exist_ok=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "pages"))) as server:
        port = int(server.server_address[1])
        feed = tmp_path / "pages" / "feed.xml"
        feed.write_text(feed.read_text("utf-8").replace(":8000", f":{port}"), "utf-8")
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield port
        server.shutdown()
        thread.join()


def steps(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Each command of a page's console blocks with the lines that are shown as its output."""
    for block in re.findall(r"^```console\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = step.splitlines()
            yield command, [line.rstrip() for line in shown if "…" not in line]


def settled(text: str) -> str:
    """Output without what differs from run to run."""
    return re.sub(r"seconds=\S+", "", text)


@pytest.mark.full
def test_the_tutorial_shows_what_its_commands_print(news_site: int, tmp_path: Path) -> None:
    python = shlex.quote(sys.executable)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WIRETRACE_")}
    environment |= {"COLUMNS": "100", "PYTHONPATH": str(ROOT), "WIRETRACE_FETCH__ALLOW_PRIVATE": "127.0.0.0/8"}
    script = re.search(r"^```python\n(.*?)^```", (DOCS / "tutorial.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert script is not None
    (tmp_path / "check.py").write_text(script.group(1), encoding="utf-8")
    for command, shown in steps(DOCS / "tutorial.md"):
        if not command.startswith(("wiretrace ", "python3 check.py")):
            continue
        real = re.sub(r"^wiretrace ", f"{python} -m crawler ", command.replace(":8000", f":{news_site}"))
        ran = subprocess.run(
            real, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        said = [
            settled(line).strip() for line in (ran.stdout + ran.stderr).replace(f":{news_site}", ":8000").splitlines()
        ]
        assert ran.returncode == 0, f"{command}: {ran.stderr}"
        for line in shown:
            assert settled(line).strip() in said, f"{command}: {line!r} is not in {said}"
