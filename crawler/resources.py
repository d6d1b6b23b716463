"""Files that lie beside the package in a source tree and inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def default_configuration() -> str:
    """The commented wiretrace.toml."""
    inside = _PACKAGE / "wiretrace.toml"
    return (inside if inside.is_file() else _PACKAGE.parent / "config" / "wiretrace.toml").read_text(encoding="utf-8")
