"""Whatever is sent to the gateway, no answer is a fault of ours or another than openapi.json says (schemathesis)."""

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

from .actors import Person, World

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
    # The same requests every time.
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)

ENDS_ITS_CALLER = {"DeleteMe", "ChangePassword", "Register"}


@pytest.fixture(scope="module")
def known(world: World) -> dict[str, dict[str, Any]]:
    """Path parameters that lead to something, by the beginning of the path; the longest that fits counts.

    To things of these tests alone: they are deleted here.
    """
    emoji, task = world.new_emoji(), world.new_task(world.photo)
    shared = world.made(f"/api/v1/faces/tasks/{task}/share", {}, world.owner)
    return {
        "/api/v1/emojis/": {"id": emoji, "expression": "happy", "page_number": 1},
        "/api/v1/moderation/": {"id": emoji},
        "/api/v1/faces/tasks/": {"task_id": task, "face": 0},
        "/api/v1/shared/": {"token": shared["token"]},
        "/api/v1/users/deletions/": {"id": world.deletion},
        "/api/v1/users/mypage/": {"case": "result"},
    }


def caller(name: str, world: World) -> Person:
    if name in ENDS_ITS_CALLER:
        return world.new_person("another")
    if name == "ExportMe":  # of who has little
        return world.person("guest")
    moderates = OPERATIONS[name].path.startswith("/api/v1/moderation/")
    return world.person("operator") if moderates else world.owner


def test_served_document_is_the_tested_one(world: World) -> None:
    assert world.http.get("/api/openapi.json").json() == DOCUMENT


@pytest.mark.parametrize("name", OPERATIONS)
def test_responses_conform_to_the_document(name: str, world: World, known: dict[str, dict[str, Any]]) -> None:
    operation = OPERATIONS[name]
    documented = set(operation.definition.raw["responses"])
    person = caller(name, world)
    found = next((ids for path, ids in known.items() if operation.path.startswith(path)), {})
    in_path = {name: value for name, value in found.items() if f"{{{name}}}" in operation.path}
    right = operation.as_strategy(path_parameters=in_path) if in_path else operation.as_strategy()
    cases = st.one_of(right, operation.as_strategy(), *_wrong(operation))

    @EXAMPLES
    @given(case=cases)
    def try_it(case: Any) -> None:
        answer = case.call(base_url=str(world.http.base_url), headers=person.headers)
        case.validate_response(answer, checks=CHECKS)
        # Not only as `default`: a client is told of every status that it meets.
        assert str(answer.status_code) in documented, f"{answer.status_code} {answer.text[:300]}"

    try_it()


def _wrong(operation: Any) -> Iterator[st.SearchStrategy[Any]]:
    """Requests that the document forbids, where there is something to be wrong in one."""
    if operation.definition.raw.get("parameters") or operation.definition.raw.get("requestBody"):
        yield operation.as_strategy(GenerationMode.NEGATIVE)
