"""The API asked by a machine that has read its document: right and wrong requests, each answer held against it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from crawler.model import LinkState
from crawler.web.api.table import OPERATIONS, described
from tests.pages.conftest import Browser, put_link

schemathesis = pytest.importorskip("schemathesis")
from schemathesis import GenerationMode, checks  # noqa: E402

pytestmark = pytest.mark.full

EXAMPLES = 25  # of each operation, in each mode
# What a stream tells comes for ever: it has tests of its own.
ASKED = [one for one in OPERATIONS if not one.stream]
CASES = [(one.name, GenerationMode.POSITIVE) for one in ASKED]
CASES += [(one.name, GenerationMode.NEGATIVE) for one in ASKED if one.params or one.body or "{" in one.path]

# No schema can say that one parameter goes with no other.
WITHOUT_WORDS = {"role", "publisher", "completeness"}


@pytest.fixture(scope="module")
def schema() -> Any:
    return schemathesis.openapi.from_dict(described())


def checks_of(name: str) -> list[Any]:
    checks.load_all_checks()
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        negative_data_rejection,
        positive_data_acceptance,
        response_headers_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    found = [
        checks.not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_headers_conformance,
        response_schema_conformance,
        negative_data_rejection,
    ]
    # Where 422 is an answer, a request may be all that it should be and hold nothing that can be worked on.
    may_be_worthless = any(one.name == name and 422 in one.faults for one in OPERATIONS)
    return found if may_be_worthless else [*found, positive_data_acceptance]


@pytest.mark.parametrize(("name", "mode"), CASES, ids=str)
async def test_every_answer_is_one_that_the_document_names(
    browser: Browser, schema: Any, name: str, mode: GenerationMode
) -> None:
    link = await put_link(browser.store, "one")
    await browser.store.review(link, LinkState.CONFIRMED, reviewer="Morna")
    operation = schema.find_operation_by_id(name)
    asked = 0

    @seed(20260302)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        nonlocal asked
        asked += 1
        if mode is GenerationMode.POSITIVE and "q" in (case.query or {}):
            case.query = {name: value for name, value in case.query.items() if name not in WITHOUT_WORDS}
        response = case.call(base_url=f"{browser.root}/api/v1")
        case.validate_response(response, checks=checks_of(name))

    await asyncio.to_thread(ask)
    assert asked
