"""The API as a program asks it, each answer held against the document that it gives of itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from jsonschema import Draft202012Validator

from crawler.store import Store
from crawler.web.api.table import described


@dataclass(frozen=True, slots=True)
class Told:
    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class Program:
    """Asks, and fails where an answer is not in the document."""

    session: aiohttp.ClientSession
    root: str
    store: Store
    secret: str = ""

    async def get(self, path: str, **headers: str) -> Told:
        return await self.ask("GET", path, headers=headers)

    async def post(self, path: str, body: object, media: str = "application/json", **headers: str) -> Told:
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        return await self.ask("POST", path, data=data, headers={"Content-Type": media, **headers})

    async def ask(self, method: str, path: str, *, headers: Mapping[str, str], data: str | bytes | None = None) -> Told:
        sent = {**({"Authorization": f"Bearer {self.secret}"} if self.secret else {}), **headers}
        async with self.session.request(method, f"{self.root}/api/v1{path}", headers=sent, data=data) as response:
            text = await response.text()
            told = Told(response.status, response.headers, json.loads(text) if text else None)
        hold_to_document(method, path, told)
        return told

    async def all(self, path: str) -> list[Any]:
        """The rows of all pages of a list, one after the other."""
        rows: list[Any] = []
        sign = "&" if "?" in path else "?"
        told = (await self.get(path)).body
        for _ in range(100):
            rows += told["data"]
            if told["next"] is None:
                return rows
            told = (await self.get(f"{path}{sign}after={told['next']}")).body
        raise AssertionError("the list has no end")


def hold_to_document(method: str, path: str, told: Told) -> None:
    operation = _operation(method, path.split("?", maxsplit=1)[0])
    if operation is None:
        assert told.status in {404, 405}
        return
    assert str(told.status) in operation["responses"], f"{method} {path}: {told.status} is not in the document"
    content = operation["responses"][str(told.status)].get("content")
    if content is None:
        assert told.body is None
        return
    media = told.headers["Content-Type"].split(";")[0]
    assert media in content, media
    schema = {**content[media]["schema"], "components": described()["components"]}
    Draft202012Validator(schema).validate(told.body)


def _operation(method: str, path: str) -> Any:
    for template, methods in described()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[0-9a-f]{32}", template), path) and method.lower() in methods:
            return methods[method.lower()]
    return None
