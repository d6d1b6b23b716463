"""docs/reference/api.md: the HTTP API, from the OpenAPI document that the server itself gives."""

from __future__ import annotations

from typing import Any

from crawler.web.api.changes import MOST_STREAMS
from crawler.web.api.operations import PREFIX
from crawler.web.api.setup import TRACES_A_MINUTE, TRACES_AT_ONCE
from crawler.web.api.table import described
from docs.generator.words import table

Json = dict[str, Any]

_HEAD = f"""# HTTP API

`wiretrace serve` answers programs under `{PREFIX}`; how to is told [here](../how-to/api.md). The same is told to
machines as OpenAPI 3.1 at `{PREFIX}/openapi.json`. What the fields of the objects mean stands in [JSON](json.md).

- **Lists** are `{{"data": [rows], "next": place}}`. Ask for the next page with `after` set to `next`; `null`: there is
  none. A `Link` header with `rel="next"` has its whole address.
- **Tags**: every answer to a GET but a stream has an `ETag`; sent back in `If-None-Match` it saves the body (304).
- **Faults** are `application/problem+json`: `title`, `status`, and `detail`, a line that says what was expected.
- **Limits**: {TRACES_A_MINUTE} traces a minute for each token, {TRACES_AT_ONCE} of them at once;
  {MOST_STREAMS} streams. More are answered 429 with `Retry-After`.

"""


def api_page() -> str:
    paths = described()["paths"]
    parts = [_HEAD, _overview(paths)]
    for path, methods in paths.items():
        parts += [_operation(path, method, one) for method, one in methods.items()]
    return "\n".join(parts)


def _overview(paths: Json) -> str:
    rows = [
        (f"`{method.upper()} {path}`", one["summary"])
        for path, methods in paths.items()
        for method, one in methods.items()
    ]
    return table(("operation", "what it gives"), rows)


def _operation(path: str, method: str, one: Json) -> str:
    parts = [f"## `{method.upper()} {path}`\n", one["description"] + "\n"]
    if one["parameters"]:
        rows = [(f"`{param['name']}`", _values(param["schema"]), param["description"]) for param in one["parameters"]]
        parts.append(table(("parameter", "values", "meaning"), rows))
    if "requestBody" in one:
        kinds = ", ".join(f"`{media}`{_shape(told['schema'])}" for media, told in one["requestBody"]["content"].items())
        parts.append(f"Body: {kinds}.\n")
    success, *faults = sorted(one["responses"], key=lambda status: (status >= "300", status))
    (media, told), *_ = one["responses"][success]["content"].items()
    parts.append(f"Answers {success} with `{media}`{_shape(told['schema'])}, or {', '.join(faults)}.\n")
    return "\n".join(parts)


def _values(schema: Json) -> str:
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if "minimum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}"
    return {"date": "a day such as `2026-01-31`"}.get(schema.get("format", ""), "text")


def _shape(schema: Json) -> str:
    if "$ref" in schema:
        return f" ({schema['$ref'].rsplit('/', 1)[1]})"
    rows = schema.get("properties", {}).get("data")
    return f" (a list of {rows['items']['$ref'].rsplit('/', 1)[1]})" if rows else ""
