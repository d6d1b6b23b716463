"""The OpenAPI 3.1 document, written from the operations themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus

from crawler import __version__
from crawler.interchange import Json
from crawler.web.api import schemas
from crawler.web.api.operations import PREFIX, Operation, Param

_ABOUT = (
    "Articles, links, stories and the change log of a wiretrace store. Lists are read page by page: the next one is"
    " asked for with `after` and the page's `next`. Fields may be added to answers; those here keep name and meaning."
)
_WHY = {
    304: "The copy that If-None-Match names is as it is now.",
    400: "A parameter or the body is not as described.",
    401: "A token is needed, and none that is live came.",
    403: "The token may not do this, or another site's page asked.",
    404: "There is no such thing.",
    409: "It was judged or decided anew since.",
    413: "The body is too large.",
    415: "A body of this type is not taken.",
    421: "This server does not go by that name.",
    422: "It could not be worked on: `reason` says why, in one word.",
    429: "Too often: Retry-After says when to come again.",
    503: "The store or the workers can't be reached now.",
}


def document(operations: Sequence[Operation]) -> Json:
    """The whole document."""
    paths: Json = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "wiretrace",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": PREFIX}],
        # None is needed on loopback, where whoever asks is at this machine.
        "security": [{"token": []}, {}],
        "paths": paths,
        "components": {
            "schemas": schemas.components(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "From `wiretrace token create`."}
            },
        },
    }


def _operation(one: Operation) -> Json:
    told: Json = {
        "operationId": one.name,
        "summary": one.about.split(". ")[0].rstrip("."),
        "description": one.about,
        "parameters": [*_in_path(one.path), *map(_parameter, one.params), *_headers(one)],
        "responses": {str(one.success): _success(one), **{str(status): _fault(status) for status in one.statuses}},
    }
    if one.body:
        content = {media: {"schema": schema} for media, schema in one.body.items()}
        told["requestBody"] = {"required": True, "content": content}
    return told


def _in_path(path: str) -> list[Json]:
    schema = {"type": "string", "pattern": schemas.ID}
    return [
        {"name": name, "in": "path", "required": True, "schema": schema, "description": f"Id of the {name}"}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _parameter(param: Param) -> Json:
    return {"name": param.name, "in": "query", "schema": param.schema(), "description": param.about}


def _headers(one: Operation) -> list[Json]:
    if not one.stream:
        return []
    about = "The number of the last event that came: the stream goes on behind it"
    return [{"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}, "description": about}]


def _success(one: Operation) -> Json:
    if one.stream:
        media, schema = "text/event-stream", {"type": "string"}
    elif one.gives:
        media, schema = "application/json", schemas.page_of(one.gives) if one.many else schemas.ref(one.gives)
    else:
        media, schema = "application/json", {"type": "object"}
    return {"description": one.about, "content": {media: {"schema": schema}}}


def _fault(status: int) -> Json:
    told: Json = {"description": f"{HTTPStatus(status).phrase}. {_WHY[status]}"}
    if status != 304:
        told["content"] = {"application/problem+json": {"schema": schemas.ref("Problem")}}
    return told
