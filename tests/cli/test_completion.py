"""Completion, asked of the shells themselves: what bash, zsh and fish offer behind words that somebody has typed."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from crawler.cli import shells
from crawler.cli.completion import levels
from tests.cli.conftest import Wiretrace

# Each asks the script at $1 about the words behind it, the last of which is the one at the cursor.
ASK_BASH = (
    """source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _wiretrace; printf '%s\\n' "${COMPREPLY[@]}\""""
)
ASK_ZSH = """
compdef() { }; compset() { }; _files() { print '(files)' }; _describe() { print -l -- ${${(P)2}%%:*} }
source "$1"; shift; words=("$@"); CURRENT=$#; _wiretrace
"""
ASK_FISH = """source $argv[1]; complete -C (string join ' ' -- $argv[2..-1]) | string split -f1 \\t"""
ASKED = {"bash": [ASK_BASH, "bash"], "zsh": [ASK_ZSH, "zsh"], "fish": [ASK_FISH]}


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, known = tmp_path_factory.mktemp("completion"), levels()
    written = {name: folder / name for name in ASKED}
    for name, path in written.items():
        path.write_text(getattr(shells, name)(known), encoding="utf-8")
    return written


def offered(shell: str, script: Path, *words: str) -> list[str]:
    """What `shell` offers for the last word."""
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    command = [shell, "-c", *ASKED[shell], str(script), "wiretrace", *words]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=script.parent, timeout=30, check=False)
    assert ran.stderr == ""
    return ran.stdout.split()


@pytest.mark.parametrize("shell", ASKED)
def test_a_shell_completes_commands_options_and_choices(scripts: dict[str, Path], shell: str) -> None:
    def here(*words: str) -> set[str]:
        return set(offered(shell, scripts[shell], *words))

    assert {"export", "extract"} <= here("ex")
    assert "--once" in here("run", "--o")
    assert here("export", "--format", "") == {"jsonl", "csv", "parquet", "atom", "jsonfeed"}
    assert {"list", "add", "check"} <= here("sources", "")
    assert {"articles", "links", "report"} <= here("export", "")


@pytest.mark.parametrize("shell", ASKED)
def test_the_value_of_an_option_is_not_taken_for_a_command(scripts: dict[str, Path], shell: str) -> None:
    assert "--once" in offered(shell, scripts[shell], "--config", "sources", "run", "--source", "link", "--on")
    assert "run" in offered(shell, scripts[shell], "--log-format", "json", "ru")


def test_bash_takes_a_value_behind_an_equals_sign(scripts: dict[str, Path]) -> None:
    assert offered("bash", scripts["bash"], "export", "--format", "=", "c") == ["csv"]
    assert offered("bash", scripts["bash"], "export", "--format", "=", "csv", "l") == ["links"]


def test_every_option_of_every_command_is_completed(scripts: dict[str, Path]) -> None:
    asked = [ASK_BASH.split(";", maxsplit=1)[0]]
    wanted: list[str] = []
    for level in levels():
        words = ["wiretrace", *level.path.split(), "-"]
        asked += [f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; _wiretrace; echo ${{COMPREPLY[@]}}"]
        wanted += [" ".join(name for one in level.options for name in one.names)]
    ran = subprocess.run(
        ["bash", "-c", "\n".join(asked), "bash", str(scripts["bash"])], capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines() == wanted
    assert len(wanted) > 30


def test_words_with_quotes_stay_words() -> None:
    option = shells.Option(("--as",), "it's $(touch made) `touch made`", takes_value=True, choices=("a'b", "$c"))
    level = shells.Level("it's", {"it's": "what's $HOME's \\ price"}, [option], (), takes_files=False)
    for name in ("bash", "zsh", "fish"):
        if shutil.which(name):
            script = getattr(shells, name)([level])
            assert subprocess.run([name, "-n"], input=script, text=True, check=False).returncode == 0


def test_the_command_prints_the_script_of_the_shell_that_is_named(wiretrace: Wiretrace) -> None:
    ran = wiretrace("completion", "fish")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == shells.fish(levels())
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in wiretrace("completion", "tcsh").err
