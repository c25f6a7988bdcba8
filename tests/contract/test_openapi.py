"""Responses to generated requests conform to openapi.json and are never server errors (schemathesis)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from igemoji_protos import OPENAPI

from .actors import Actor, Actors

DOCUMENT = json.loads(OPENAPI.read_text(encoding="utf-8"))
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {
    operation.definition.raw["operationId"]: operation
    for operation in (result.ok() for result in SCHEMA.get_all_operations() if isinstance(result, Ok))
}

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

EXAMPLES = settings(
    max_examples=12,
    # The same requests in every run.
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)

ENDS_ITS_CALLER = {"DeleteMe", "ChangePassword", "Register"}


@pytest.fixture(scope="module")
def known(actors: Actors) -> dict[str, dict[str, Any]]:
    """Return path parameters of existing resources, by the prefix of the path.

    These tests delete them, so no other test uses them.
    """
    emoji, task = actors.new_emoji(), actors.new_task(actors.photo)
    shared = actors.made(f"/api/v1/faces/tasks/{task}/share", {}, actors.owner)
    return {
        "/api/v1/emojis/": {"id": emoji, "expression": "happy", "page_number": 1},
        "/api/v1/moderation/": {"id": emoji},
        "/api/v1/faces/tasks/": {"task_id": task, "face": 0},
        "/api/v1/shared/": {"token": shared["token"]},
        "/api/v1/users/deletions/": {"id": actors.deletion},
        "/api/v1/users/mypage/": {"case": "result"},
    }


def caller(name: str, actors: Actors) -> Actor:
    if name in ENDS_ITS_CALLER:
        return actors.new_actor("another")
    if name == "ExportMe":  # a guest has little data
        return actors.actor("guest")
    moderates = OPERATIONS[name].path.startswith("/api/v1/moderation/")
    return actors.actor("operator") if moderates else actors.owner


def test_served_document_is_the_tested_one(actors: Actors) -> None:
    assert actors.http.get("/api/openapi.json").json() == DOCUMENT


@pytest.mark.parametrize("name", OPERATIONS)
def test_responses_conform_to_the_document(name: str, actors: Actors, known: dict[str, dict[str, Any]]) -> None:
    operation = OPERATIONS[name]
    documented = set(operation.definition.raw["responses"])
    actor = caller(name, actors)
    found = next((ids for path, ids in known.items() if operation.path.startswith(path)), {})
    in_path = {name: value for name, value in found.items() if f"{{{name}}}" in operation.path}
    right = operation.as_strategy(path_parameters=in_path) if in_path else operation.as_strategy()
    cases = st.one_of(right, operation.as_strategy(), *_wrong(operation))

    @EXAMPLES
    @given(case=cases)
    def try_it(case: Any) -> None:
        answer = case.call(base_url=str(actors.http.base_url), headers=actor.headers)
        case.validate_response(answer, checks=CHECKS)
        # `default` is not enough: the document lists every status.
        assert str(answer.status_code) in documented, f"{answer.status_code} {answer.text[:300]}"

    try_it()


def _wrong(operation: Any) -> Iterator[st.SearchStrategy[Any]]:
    """Yield a strategy of invalid requests if the operation has any input."""
    if operation.definition.raw.get("parameters") or operation.definition.raw.get("requestBody"):
        yield operation.as_strategy(GenerationMode.NEGATIVE)
