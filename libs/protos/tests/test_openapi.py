"""The OpenAPI document, of our contract and of a sample contract for what ours does not use."""

import importlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2
from grpc_tools import protoc
from openapi_spec_validator import validate

from igemoji.common.v1 import access_pb2
from igemoji_protos import DESCRIPTORS, OPENAPI, load_descriptors, rpcs

GENERATE = Path(__file__).parents[1] / "generate"

Document = dict[str, Any]

KEY = {"$ref": "#/components/parameters/IdempotencyKey"}

SAMPLE = """
syntax = "proto3";
// Toys and those who play.
package igemoji.sample.v1;
import "buf/validate/validate.proto";
import "google/api/annotations.proto";
import "google/api/httpbody.proto";
import "google/protobuf/empty.proto";
import "igemoji/common/v1/access.proto";
service ToyService {
  // Makes a toy. It may squeak.
  rpc Make(MakeRequest) returns (MakeResponse) {
    option (google.api.http) = {put: "/api/v1/sample/{id}" body: "*" response_body: "toy"};
    option (igemoji.common.v1.access) = {level: LEVEL_OPERATOR http_code: 201 idempotency_key: true};
  }
  // Toys that fit.
  rpc Find(FindRequest) returns (stream Toy) {
    option (google.api.http) = {get: "/api/v1/sample" additional_bindings {get: "/api/v1/all-sample"}};
    option (igemoji.common.v1.access) = {level: LEVEL_OPTIONAL_USER per_minute: 7};
  }
  rpc Paint(PaintRequest) returns (google.api.HttpBody) {
    option deprecated = true;
    option (google.api.http) = {post: "/api/v1/sample/paint" body: "color"};
    option (igemoji.common.v1.access) = {level: LEVEL_PUBLIC errors: [401]};
  }
  rpc Hide(FindRequest) returns (google.protobuf.Empty) {
    option (igemoji.common.v1.access) = {level: LEVEL_INTERNAL};
  }
}
// A thing to play with.
message Toy {
  // Its number.
  int64 number = 1;
  Kind kind = 2;
  Toy inside = 3;
  map<string, int32> parts = 4;
  optional string owner = 5;
  bytes picture = 6 [(buf.validate.field).bytes.max_len = 10];
}
enum Kind {
  KIND_UNSPECIFIED = 0;
  // Rolls.
  KIND_BALL = 1;
}
message MakeRequest {
  string id = 1 [(buf.validate.field).string.uuid = true];
  repeated string words = 2 [(buf.validate.field).repeated = {min_items: 1 max_items: 3 items: {string: {max_len: 5}}}];
  int32 age = 3 [(buf.validate.field).int32 = {gt: 0 lt: 9}];
  string nick = 4 [(buf.validate.field).string.min_len = 2, (buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE];
  Toy like = 5;
  optional string shade = 6 [(buf.validate.field).string = {in: ["light", "dark"]}];
}
message MakeResponse { Toy toy = 1; }
message FindRequest {
  string size = 1 [(buf.validate.field).string = {in: ["s", "l"]}];
  int32 page = 2 [(buf.validate.field).int32 = {gte: 0 lte: 5}];
}
message PaintRequest {
  Color color = 1;
  bool twice = 2 [deprecated = true];
}
message Color {
  string name = 1;
  string shade = 2 [deprecated = true];
}
"""

MakeDocument = Callable[[descriptor_pb2.FileDescriptorSet], Document]


@pytest.fixture
def openapi_document(monkeypatch: pytest.MonkeyPatch) -> MakeDocument:
    monkeypatch.syspath_prepend(str(GENERATE))
    found: MakeDocument = importlib.import_module("openapi").openapi_document
    return found


@pytest.fixture
def ours(openapi_document: MakeDocument) -> Document:
    return openapi_document(load_descriptors())


@pytest.fixture
def sample(openapi_document: MakeDocument, tmp_path: Path) -> Document:
    return openapi_document(compiled(SAMPLE, tmp_path))


def compiled(source: str, folder: Path) -> descriptor_pb2.FileDescriptorSet:
    """Return the document of a contract of one file with the same imports as ours."""
    (folder / "sample.proto").write_text(source)
    out = folder / "sample.binpb"
    arguments = [f"--descriptor_set_in={DESCRIPTORS}", f"--proto_path={folder}", f"--descriptor_set_out={out}"]
    assert protoc.main(["protoc", *arguments, "--include_imports", "--include_source_info", "sample.proto"]) == 0
    return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())


def operations(document: Document) -> dict[tuple[str, str], Document]:
    return {(method, path): operation for path, item in document["paths"].items() for method, operation in item.items()}


def test_document_is_valid_and_up_to_date(ours: Document) -> None:
    validate(ours)
    assert json.loads(OPENAPI.read_text(encoding="utf-8")) == ours


def test_document_is_deterministic(openapi_document: MakeDocument) -> None:
    first, second = (json.dumps(openapi_document(load_descriptors())) for _ in range(2))
    assert first == second


def test_all_rest_calls_and_no_internal_ones_are_described(ours: Document) -> None:
    expected = {
        (method, getattr(binding, method))
        for rpc in rpcs()
        for binding in rpc.bindings
        for method in ("get", "put", "post", "delete", "patch")
        if getattr(binding, method)
    }
    assert set(operations(ours)) == expected
    internal = {rpc.name for rpc in rpcs() if rpc.access and rpc.access.level == access_pb2.LEVEL_INTERNAL}
    assert internal
    assert not internal & {operation["operationId"] for operation in operations(ours).values()}


def test_references_resolve(ours: Document, sample: Document) -> None:
    for document in (ours, sample):
        for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document))):
            place: Any = document
            for step in reference.split("/"):
                place = place[step]
            assert place


def test_success_status_comes_from_the_access_option(ours: Document) -> None:
    statuses = {call: next(iter(operation["responses"])) for call, operation in operations(ours).items()}
    assert statuses["post", "/api/v1/users"] == "201"
    assert statuses["post", "/api/v1/faces/tasks"] == "202"
    assert statuses["get", "/api/v1/users/me"] == "200"
    assert "Location" in operations(ours)["post", "/api/v1/faces/tasks"]["responses"]["202"]["headers"]


def test_access_levels_become_security_schemes(ours: Document, sample: Document) -> None:
    by_id = {operation["operationId"]: operation for operation in operations(ours).values()}
    assert by_id["GetMe"]["security"] == [{"access_token": []}]
    assert by_id["GetEmoji"]["security"] == [{}, {"access_token": []}]
    assert by_id["GetRanking"]["security"] == []
    assert by_id["Refresh"]["security"] == [{"refresh_cookie": []}, {}]
    assert operations(sample)["put", "/api/v1/sample/{id}"]["security"] == [{"access_token": []}]
    assert {"401", "403", "429"} <= set(by_id["GetMe"]["responses"])
    assert not {"401", "403"} & set(by_id["GetRanking"]["responses"])


def test_photos_are_binary_and_progress_is_an_event_stream(ours: Document) -> None:
    upload = operations(ours)["post", "/api/v1/faces/tasks"]
    assert set(upload["requestBody"]["content"]) == {"image/*", "application/octet-stream", "multipart/form-data"}
    assert set(upload["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]) == {"image", "emoji_id"}
    assert [parameter.get("name") for parameter in upload["parameters"]] == ["emoji_id", None]
    assert upload["parameters"][1] == KEY
    image = operations(ours)["get", "/api/v1/faces/tasks/{task_id}/image"]["responses"]["200"]
    assert set(image["content"]) == {"image/*", "application/octet-stream"}
    events = operations(ours)["get", "/api/v1/faces/tasks/{task_id}/events"]["responses"]["200"]
    assert set(events["content"]) == {"text/event-stream"}


def test_document_of_a_sample_contract_is_valid(sample: Document) -> None:
    validate(sample)
    assert sample["tags"] == [{"name": "sample", "description": "Toys and those who play."}]


def test_validation_rules_become_schema(sample: Document) -> None:
    make = operations(sample)["put", "/api/v1/sample/{id}"]
    assert make["parameters"] == [
        {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}},
        KEY,
    ]
    body = make["requestBody"]["content"]["application/json"]["schema"]
    assert "id" not in body["properties"]
    assert body["properties"]["words"] == {
        "type": "array",
        "items": {"type": "string", "maxLength": 5},
        "minItems": 1,
        "maxItems": 3,
    }
    assert body["properties"]["age"]["exclusiveMinimum"] == 0
    assert body["properties"]["age"]["exclusiveMaximum"] == 9


def test_required_fields_are_those_whose_zero_value_is_refused(sample: Document) -> None:
    body = operations(sample)["put", "/api/v1/sample/{id}"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["words", "age"]
    query = operations(sample)["get", "/api/v1/sample"]["parameters"]
    assert [(parameter["name"], parameter.get("required", False)) for parameter in query] == [
        ("size", True),
        ("page", False),
    ]


def test_schemas_match_the_transcoder(sample: Document) -> None:
    toy = sample["components"]["schemas"]["Toy"]
    assert toy["description"] == "A thing to play with."
    assert toy["properties"] == {
        "number": {"type": "string", "format": "int64", "description": "Its number."},
        "kind": {"$ref": "#/components/schemas/Kind"},
        "inside": {"$ref": "#/components/schemas/Toy"},
        "parts": {"type": "object", "additionalProperties": {"type": "integer", "format": "int32"}},
        "owner": {"type": "string"},
        "picture": {"type": "string", "contentEncoding": "base64", "maxLength": 16},
    }
    kind = sample["components"]["schemas"]["Kind"]
    assert kind["enum"] == ["KIND_UNSPECIFIED", "KIND_BALL"]
    assert "`KIND_BALL`: Rolls." in kind["description"]


def test_response_body_is_unwrapped_and_additional_bindings_have_own_ids(sample: Document) -> None:
    make = operations(sample)["put", "/api/v1/sample/{id}"]
    assert make["responses"]["201"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Toy"}
    assert make["summary"] == "Makes a toy"
    assert make["description"] == "Makes a toy. It may squeak."
    names = [operation["operationId"] for operation in operations(sample).values()]
    assert names == ["Make", "Find", "Find_2", "Paint"]


def test_fields_outside_the_body_are_query_parameters(sample: Document) -> None:
    paint = operations(sample)["post", "/api/v1/sample/paint"]
    assert paint["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Color"}
    assert [parameter["name"] for parameter in paint["parameters"]] == ["twice"]
    assert set(paint["responses"]) == {"200", "400", "401", "409", "413", "429", "default"}


def test_deprecated_elements_are_marked(sample: Document) -> None:
    paint = operations(sample)["post", "/api/v1/sample/paint"]
    assert paint["deprecated"]
    assert [parameter.get("deprecated", False) for parameter in paint["parameters"]] == [True]
    color = sample["components"]["schemas"]["Color"]["properties"]
    assert [color[name].get("deprecated", False) for name in ("name", "shade")] == [False, True]
    assert "deprecated" not in operations(sample)["put", "/api/v1/sample/{id}"]


def test_idempotency_key_header_only_where_accepted(sample: Document) -> None:
    found = [call for call, operation in operations(sample).items() if KEY in operation.get("parameters", [])]
    assert found == [("put", "/api/v1/sample/{id}")]


def test_duplicate_operation_ids_are_refused(openapi_document: MakeDocument, tmp_path: Path) -> None:
    second = (
        SAMPLE[SAMPLE.index("service") : SAMPLE.index("// A thing")]
        .replace("ToyService", "Second")
        .replace("/v1", "/v2")
    )
    source = SAMPLE.replace("// A thing", second.replace("common/v2", "common/v1") + "// A thing")
    with pytest.raises(ValueError, match="Two RPCs have the same name: Find, Find_2, Make, Paint"):
        openapi_document(compiled(source, tmp_path))
