"""The page of settings: types, bounds and defaults from the models, meanings from the comments behind the keys."""

from __future__ import annotations

import ast
import inspect
import json
import re
import types
from collections.abc import Mapping
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import crawler
from crawler import settings
from docs.generator.words import Undescribed, table

_HEAD = """# Settings

Settings come from one TOML file: the one that `--config` names, else `$WIRETRACE_CONFIG`, else `./wiretrace.toml`.
Without any, the built-in defaults hold. `wiretrace init` writes a commented file.

Every key can be given by an environment variable as well, which goes before the file. Its name stands below each
key. With `_FILE` at the end the variable names a file that holds the value, such as a mounted secret:
`WIRETRACE_DATABASE__URL_FILE=/run/secrets/database_url`. Lists are written `a, b` or as JSON; whole tables
(`WIRETRACE_SOURCES`, `WIRETRACE_RIGHTS`, `WIRETRACE_WEBHOOKS`) as JSON. An unknown key, an unknown `WIRETRACE_…`
variable and a wrong value end the command with exit code 2 and one line that names the place, the key and what was
expected.

"""
_UNIT = re.compile(r"(seconds|days|bytes|requests|connections|processes)\b")
_SIMPLE = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`", type(None): ""}
# Keeping a value is no use of it.
_KEEPERS = ("settings.py", "model.py", "store/sources.py", "store/tables.py")


def settings_page() -> str:
    parts = [_HEAD]
    for name, field in settings.Settings.model_fields.items():
        model, is_list = _model(field.annotation)
        title = f"[[{name}]]" if is_list else f"[{name}]"
        parts += [f"## `{title}`\n", f"{inspect.getdoc(model)}\n", _table(model, name, is_list=is_list)]
        for inner_name, inner in model.model_fields.items():
            inner_model, inner_list = _model(inner.annotation)
            if inner_list:
                parts += [f"Each entry of `{inner_name}`:\n", _table(inner_model, name, is_list=True)]
    return "\n".join(parts)


def keys() -> dict[str, FieldInfo]:
    """Every key by its dotted name."""
    found: dict[str, FieldInfo] = {}
    for section, field in settings.Settings.model_fields.items():
        model, _ = _model(field.annotation)
        found |= {f"{section}.{key}": inner for key, inner in model.model_fields.items()}
    return found


def _table(model: type[BaseModel], section: str, *, is_list: bool) -> str:
    rows = []
    for key, field in model.model_fields.items():
        meaning = _meaning(model, key)
        unit = _UNIT.match(meaning)
        kind = ", ".join(filter(None, [_type(field.annotation, field.metadata), unit.group(1) if unit else ""]))
        variable = "" if is_list else f"<br>`WIRETRACE_{section.upper()}__{key.upper()}`"
        if not _is_read(key):
            meaning += " (*checked and kept; nothing goes by it in this version*)"
        rows.append((f"`{key}`{variable}", kind, _default(field), meaning))
    return table(("key" if is_list else "key and variable", "type", "default", "meaning"), rows)


def _model(annotation: Any) -> tuple[type[BaseModel], bool]:
    """The model of a section, and whether it is a list of such; BaseModel itself where the key is no table."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    inner = get_args(annotation)[:1]
    if get_origin(annotation) is tuple and isinstance(inner[0], type) and issubclass(inner[0], BaseModel):
        return inner[0], True
    return BaseModel, False


def _type(annotation: Any, bounds: Any = ()) -> str:
    origin, inside = get_origin(annotation), get_args(annotation)
    if annotation in _SIMPLE:
        return " ".join(filter(None, [_SIMPLE[annotation], _bounds(bounds)]))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{one.value}`" for one in annotation)
    if origin in {Union, types.UnionType}:
        return " or ".join(filter(None, map(_type, inside)))
    if origin is tuple:
        return "list of tables" if _model(annotation)[1] else f"list of {_several(inside[0])}"
    if origin is Literal:
        return ", ".join(f"`{json.dumps(one)}`" for one in inside)
    # What is left is Annotated[…], or a table.
    return "table of texts" if origin is dict else _type(inside[0], getattr(inside[1], "metadata", ()))


def _several(annotation: Any) -> str:
    is_words = isinstance(annotation, type) and issubclass(annotation, Enum)
    return _type(annotation) if is_words else f"{_type(annotation)}s"


def _bounds(given: Any) -> str:
    """Bounds in words; a greatest value that only guards against nonsense is left out."""
    for one in given:
        if isinstance(one, Gt):
            upper = next((f", less than {_number(two.lt)}" for two in given if isinstance(two, Lt)), "")
            return f"greater than {_number(one.gt)}{upper}"
        if isinstance(one, Ge):
            least = _number(one.ge)
            top = next((two.le for two in given if isinstance(two, Le)), None)
            return f"from {least} to {_number(top)}" if top is not None and float(str(top)) <= 1 else f"{least} or more"
    return ""


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "*required*"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None:
        return "by role"
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        value = value.replace(crawler.__version__, "…")
    elif isinstance(value, int) and not isinstance(value, bool):
        return f"`{value:_}`"
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _meaning(model: type[BaseModel], key: str) -> str:
    found = _comments().get((model.__name__, key))
    if not found:
        raise Undescribed(f"crawler/settings.py: {model.__name__}.{key} has no comment that says what it is")
    return found


@cache
def _comments() -> Mapping[tuple[str, str], str]:
    """Class and field → the comment behind the field, or the lines of comment above it."""
    source = inspect.getsource(settings)
    lines = source.splitlines()
    found = {}
    classes = (block for block in ast.parse(source).body if isinstance(block, ast.ClassDef))
    for block in classes:
        for line in block.body:
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.end_lineno:
                after = lines[line.end_lineno - 1].encode()[line.end_col_offset :].decode().strip()
                above = lines[line.lineno - 2].strip()
                said = after if after.startswith("#") else above if above.startswith("#") else ""
                found[block.name, line.target.id] = said.removeprefix("#").strip().rstrip(".")
    return found


@cache
def _code() -> str:
    package = Path(crawler.__file__).parent
    files = (one for one in package.rglob("*.py") if one.relative_to(package).as_posix() not in _KEEPERS)
    return "\n".join(one.read_text(encoding="utf-8") for one in sorted(files))


@cache
def _is_read(key: str) -> bool:
    return re.search(rf"\.{key}\b", _code()) is not None
