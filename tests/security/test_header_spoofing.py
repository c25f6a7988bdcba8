"""Internal headers, sent by clients."""

from collections.abc import Iterator

import grpc
import httpx
import pytest
from contract.actors import Actors
from contract.calls import RPCS, by_grpc, message, outcome_of

from igemoji_mesh.ids import new_id

from .attack_report import Attacks
from .live import Gateways, LiveMesh, log_entries


@pytest.fixture(scope="module")
def gateway(mesh: LiveMesh) -> Iterator[httpx.Client]:
    """Return a client of the gateway without a proxy before it."""
    with httpx.Client(base_url=mesh.url, timeout=60) as http:
        yield http


def identities(victim: str) -> list[dict[str, str]]:
    return [
        {name: value}
        for name, value in (
            ("x-user-id", victim),
            ("X-User-Id", victim),
            ("x-user", victim),
            ("x-user-role", "operator"),
            ("x-user-alias", "owner"),
            ("x-caller", "auth"),
            ("x-caller-service", "auth"),
            ("x-igemoji-user", victim),
            ("x-igemoji-role", "operator"),
            ("x-jwt-payload", "eyJyb2xlIjoib3BlcmF0b3IifQ"),
            ("x-forwarded-client-cert", "By=spiffe://mesh/auth;URI=auth.igemoji.internal"),
            ("x-forwarded-user", victim),
            ("x-auth-request-user", victim),
            ("remote-user", victim),
            ("x-remote-user", victim),
            ("x-original-url", "/api/v1/faces/ranking"),
            ("x-rewrite-url", "/api/v1/faces/ranking"),
            ("x-envoy-original-path", "/api/v1/faces/ranking"),
            ("x-envoy-original-method", "GET"),
            ("x-http-method-override", "GET"),
            ("x-envoy-internal", "true"),
            ("x-envoy-decorator-operation", "auth"),
            ("x-forwarded-host", "localhost"),
            ("x-forwarded-prefix", "/igemoji.auth.v1.AuthService"),
            ("te", "trailers"),
        )
    ]


def test_identity_headers_do_not_authenticate(gateway: httpx.Client, actors: Actors, attacks: Attacks) -> None:
    for headers in identities(actors.owner.id):
        for path in (
            "/api/v1/users/me",
            f"/api/v1/faces/tasks/{actors.task}",
            f"/api/v1/faces/tasks/{actors.task}/image",
            "/api/v1/moderation/reports",
        ):
            with attacks.attempt(f"{headers} on {path}"):
                assert gateway.get(path, headers=headers).status_code == 401
        with attacks.attempt(f"{headers} for a private template"):
            assert gateway.get(f"/api/v1/emojis/{actors.private_emoji}", headers=headers).status_code == 404


def test_identity_headers_do_not_override_the_token(gateway: httpx.Client, actors: Actors, attacks: Attacks) -> None:
    another = actors.actor("another")
    task = RPCS["inference.GetTask"]
    target = f"127.0.0.1:{gateway.base_url.port}"
    with grpc.insecure_channel(target) as channel:
        for headers in identities(actors.owner.id):
            with attacks.attempt(f"{headers} with another's token"):
                assert gateway.get("/api/v1/users/me", headers=another.headers | headers).json()["id"] == another.id
            with attacks.attempt(f"{headers} for the owner's photo"):
                answer = gateway.get(f"/api/v1/faces/tasks/{actors.task}", headers=another.headers | headers)
                assert answer.status_code == 404
            with attacks.attempt(f"{headers} for operators"):
                answer = gateway.get("/api/v1/moderation/reports", headers=another.headers | headers)
                assert answer.status_code == 403
            if "te" in headers:
                continue
            with attacks.attempt(f"{headers} by gRPC"):
                request = message(task, task_id=actors.task)
                assert by_grpc(channel, task, request, another.headers | headers).status == 404


def test_clients_can_not_set_response_headers(gateway: httpx.Client, actors: Actors, attacks: Attacks) -> None:
    for headers in ({"x-http-code": "299"}, {"x-http-code": "500"}, {"grpc-status": "0"}, {"grpc-message": "x"}):
        with attacks.attempt(str(headers)):
            answer = gateway.get("/api/v1/faces/ranking", headers=headers)
            assert answer.status_code == 200
            assert not [name for name in answer.headers if name.startswith(("x-envoy", "grpc-", "x-http-code"))]


def test_request_id_of_a_client_is_replaced(mesh: LiveMesh, gateway: httpx.Client, attacks: Attacks) -> None:
    """Otherwise a client could fake entries of other requests in the log."""
    for given in ("forged-id", "a" * 300, new_id()):
        with attacks.attempt(given[:20]):
            answer = gateway.get(
                "/api/v1/faces/ranking", headers={"x-request-id": given, "traceparent": f"00-{'1' * 32}-1-01"}
            )
            assert answer.headers["x-request-id"] != given
            assert not [entry for entry in log_entries(mesh.output.lines) if entry.get("request_id") == given]


def test_client_headers_can_not_claim_https(gateway: httpx.Client, actors: Actors, attacks: Attacks) -> None:
    for spoofed in ({"x-forwarded-proto": "https"}, {"x-scheme": "https"}, {"forwarded": "proto=https"}):
        with attacks.attempt(str(spoofed)):
            answer = gateway.post("/api/v1/users/guest", json={}, headers=spoofed)
            assert answer.status_code == 201
            assert "secure" not in answer.headers["set-cookie"].lower()
            assert "strict-transport-security" not in answer.headers


@pytest.mark.parametrize("name", ["x_user_id", "X_Forwarded_For", "content_length", "Transfer_Encoding", "a_b"])
def test_header_names_with_underscores_are_refused(name: str, gateway: httpx.Client, attacks: Attacks) -> None:
    with attacks.attempt(name):
        assert outcome_of(gateway.get("/api/v1/faces/ranking", headers={name: "1"})).reason == "INVALID_REQUEST"


def test_forwarded_addresses_are_trusted_from_proxies_only(
    gateways: Gateways, actors: Actors, attacks: Attacks
) -> None:
    """Behind one proxy, addresses that the client put before the proxy's are ignored."""
    limit = 30  # of Login, a minute
    with gateways.running(trusted_proxies=1) as gateway, httpx.Client(base_url=gateway.url, timeout=60) as http:
        statuses = []
        for number in range(limit + 5):
            headers = {"x-forwarded-for": f"203.0.113.{number}, 198.51.100.77"}
            with attacks.attempt(f"address {number}"):
                statuses.append(http.post("/api/v1/users/auth", json={}, headers=headers).status_code)
                assert statuses[-1] in (400, 429)
        assert statuses.count(400) <= limit + 2
        assert statuses[-1] == 429
