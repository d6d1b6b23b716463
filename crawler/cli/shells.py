"""The completion scripts of bash, zsh and fish, each from the same list of commands.

All three go by the same rule: the words before the cursor, without options and their values, give the command that
it stands in; behind an option with a value come that value's choices or files, behind a dash the command's options,
else its subcommands, the choices of its first argument, or files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """One option by all its names; `choices` are empty where its value is free."""

    names: tuple[str, ...]
    help: str
    takes_value: bool
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Level:
    """What may stand behind a command: `path` is "" for `wiretrace` itself, else for example "sources add"."""

    path: str
    commands: Mapping[str, str]
    options: Sequence[Option]
    choices: tuple[str, ...]
    takes_files: bool


def bash(levels: Sequence[Level]) -> str:
    """Works with bash 3.2 and later, with or without the package bash-completion."""
    return _filled(_BASH, levels, words=_bash_words, options=_bash_options)


def zsh(levels: Sequence[Level]) -> str:
    """To be read by `source`, or found in $fpath as `_wiretrace`."""
    return _filled(_ZSH, levels, words=_zsh_words, options=_zsh_options)


def fish(levels: Sequence[Level]) -> str:
    """One `complete` for each command and option."""
    lines = [line for level in levels for line in _fish_lines(level)]
    head = _FISH.replace("@PATHS@", _fish_list(level.path for level in levels if level.path))
    return head.replace("@VALUED@", _fish_list(_valued(levels))) + "\n".join(lines) + "\n"


def _filled(
    template: str, levels: Sequence[Level], *, words: Callable[[Level], str], options: Callable[[Level], str]
) -> str:
    return (
        template.replace("@PATHS@", _pattern(level.path for level in levels if level.path))
        .replace("@VALUED@", _pattern(_valued(levels)))
        .replace("@VALUES@", _cases(_values(levels)))
        .replace("@OPTIONS@", _cases((level.path, options(level)) for level in levels))
        .replace("@WORDS@", _cases((level.path, words(level)) for level in levels))
    )


def _valued(levels: Iterable[Level]) -> list[str]:
    """`PATH:OPTION` of every option behind which a value stands."""
    return [
        f"{level.path}:{name}" for level in levels for one in level.options if one.takes_value for name in one.names
    ]


def _values(levels: Iterable[Level]) -> Iterable[tuple[str, str]]:
    for level in levels:
        for one in level.options:
            if one.choices:
                for name in one.names:
                    yield f"{level.path}:{name}", f"found=({_quoted(one.choices)})"


def _pattern(words: Iterable[str]) -> str:
    return "|".join(_quote(word) for word in words)


def _cases(rows: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"        {_quote(key)}) {action} ;;" for key, action in rows if action)


def _quote(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def _quoted(words: Iterable[str]) -> str:
    return " ".join(map(_quote, words))


# --- bash ------------------------------------------------------------------------------------------------------


def _bash_options(level: Level) -> str:
    return f"found=({_quoted(name for one in level.options for name in one.names)})"


def _bash_words(level: Level) -> str:
    words = (*level.commands, *level.choices)
    return f"found=({_quoted(words)})" if words else ""


# COMP_WORDBREAKS has "=" in it: `--format=c` comes as the three words `--format`, `=` and `c`.
_BASH = """# bash completion for wiretrace, printed by `wiretrace completion bash`
_wiretrace() {
    local path='' current="${COMP_WORDS[COMP_CWORD]}" before='' word index
    local -a found=()
    for ((index = 1; index < COMP_CWORD; index++)); do
        word="${COMP_WORDS[index]}"
        [[ $word == '=' ]] && continue
        case "$path:$before" in @VALUED@) before=''; continue ;; esac
        before="$word"
        case "${path:+$path }$word" in @PATHS@) path="${path:+$path }$word" ;; esac
    done
    [[ $current == '=' ]] && current=''
    case "$path:$before" in
        @VALUED@)
            case "$path:$before" in
@VALUES@
            esac ;;
        *)
            if [[ $current == -* ]]; then
                case "$path" in
@OPTIONS@
                esac
            else
                case "$path" in
@WORDS@
                esac
            fi ;;
    esac
    COMPREPLY=()
    for word in "${found[@]}"; do
        [[ $word == "$current"* ]] && COMPREPLY+=("$word")
    done
}
complete -o bashdefault -o default -F _wiretrace wiretrace
"""


# --- zsh -------------------------------------------------------------------------------------------------------


def _zsh_options(level: Level) -> str:
    told = [f"{name}:{one.help}" for one in level.options for name in one.names]
    return f"found=({_quoted(told)})"


def _zsh_words(level: Level) -> str:
    if level.commands:
        told = [f"{name}:{line}" for name, line in level.commands.items()]
        return f"found=({_quoted(told)})"
    return f"found=({_quoted(level.choices)})" if level.choices else ""


_ZSH = """#compdef wiretrace
# zsh completion for wiretrace, printed by `wiretrace completion zsh`
_wiretrace() {
    local at='' current="${words[CURRENT]}" before='' word
    local -i index
    local -a found
    found=()
    for ((index = 2; index < CURRENT; index++)); do
        word="${words[index]}"
        case "$at:$before" in (@VALUED@) before=''; continue ;; esac
        before="$word"
        case "${at:+$at }$word" in (@PATHS@) at="${at:+$at }$word" ;; esac
    done
    if [[ $current == --*=* ]]; then
        before="${current%%=*}"
        compset -P '*='
    fi
    case "$at:$before" in
        (@VALUED@)
            case "$at:$before" in
@VALUES@
            esac ;;
        (*)
            if [[ $current == -* ]]; then
                case "$at" in
@OPTIONS@
                esac
            else
                case "$at" in
@WORDS@
                esac
            fi ;;
    esac
    if (( ${#found} )); then
        _describe 'wiretrace' found
    else
        _files
    fi
}
if [[ ${funcstack[1]} == _wiretrace ]]; then
    _wiretrace "$@"
else
    compdef _wiretrace wiretrace
fi
"""


# --- fish ------------------------------------------------------------------------------------------------------


def _fish_lines(level: Level) -> Iterable[str]:
    at = f"complete -c wiretrace -n {_fish_quote(f'__wiretrace_at {_fish_quote(level.path)}')}"
    if level.commands or level.choices or not level.takes_files:
        yield f"{at} -f"
    for name, line in level.commands.items():
        yield f"{at} -a {_fish_quote(name)} -d {_fish_quote(line)}"
    if level.choices:
        yield f"{at} -a {_fish_quote(' '.join(level.choices))}"
    for one in level.options:
        names = " ".join(f"-{'l' if name.startswith('--') else 's'} {name.lstrip('-')}" for name in one.names)
        value = f" -x -a {_fish_quote(' '.join(one.choices))}" if one.choices else " -rF" if one.takes_value else ""
        yield f"{at} {names}{value} -d {_fish_quote(one.help)}"


def _fish_quote(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _fish_list(words: Iterable[str]) -> str:
    return " ".join(map(_fish_quote, words))


_FISH = """# fish completion for wiretrace, printed by `wiretrace completion fish`
set -g __wiretrace_paths @PATHS@
set -g __wiretrace_valued @VALUED@
function __wiretrace_at
    set -l at ''
    set -l before ''
    for word in (commandline -opc)[2..-1]
        if contains -- "$at:$before" $__wiretrace_valued
            set before ''
            continue
        end
        set before $word
        set -l next (string trim -- "$at $word")
        contains -- "$next" $__wiretrace_paths; and set at $next
    end
    test "$at" = "$argv"
end
"""
