"""Forged, expired and misused tokens, at the gateway and at the services."""

import base64
import contextlib
import datetime
import hashlib
import hmac
import json
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from contract.actors import Actors
from contract.calls import RPCS, by_grpc, message, outcome_of
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from igemoji_mesh.auth.tokens import AUDIENCE, ISSUER, SigningKey
from igemoji_mesh.ids import new_id

from .attack_report import Attacks
from .live import LiveMesh

GET_ME, GET_TASK, MODERATION = "auth.GetMe", "inference.GetTask", "emoji_catalog.ListReports"


class Forge:
    """Makes tokens with the mesh's signing key, which attackers don't have, and with others."""

    def __init__(self, data: LiveMesh, user_id: str) -> None:
        with contextlib.closing(sqlite3.connect(data.data / "auth.db")) as database:
            kid, pem = database.execute("SELECT kid, private_pem FROM signing_keys").fetchone()
        self.key = SigningKey.from_pem(kid, pem.encode())
        self.user_id = user_id

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": self.user_id,
            "alias": "forged",
            "role": "operator",
            "iat": now,
            "exp": now + 600,
            "jti": new_id(),
        } | changes
        return {name: value for name, value in claims.items() if value is not None}

    def signed(self, key: Any = None, headers: dict[str, Any] | None = None, **changes: Any) -> str:
        """Return a token, by default signed by the mesh's key."""
        found = {"kid": self.key.kid} | (headers or {})
        return jwt.encode(self.claims(**changes), key or self.key.key, algorithm="EdDSA", headers=found)

    def handmade(self, header: dict[str, Any], claims: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
        """Return a token that a library refuses to make."""
        parts = b".".join(_base64(json.dumps(part).encode()) for part in (header, claims))
        return (parts + b"." + _base64(sign(parts))).decode()

    def with_header(self, **changes: Any) -> str:
        """Return a token signed by an unknown key, with a changed header."""
        unknown_key = ed25519.Ed25519PrivateKey.generate()
        header = {"alg": "EdDSA", "typ": "JWT", "kid": self.key.kid} | changes
        return self.handmade(header, self.claims(), unknown_key.sign)

    def hmac(self, secret: bytes, algorithm: str = "HS256") -> str:
        """Return a token signed by HMAC with a known value, such as the public key, as the secret."""
        header = {"alg": algorithm, "typ": "JWT", "kid": self.key.kid}
        return self.handmade(header, self.claims(), lambda parts: hmac.new(secret, parts, hashlib.sha256).digest())

    @property
    def public(self) -> ed25519.Ed25519PublicKey:
        return self.key.key.public_key()

    def raw_key(self) -> bytes:
        return self.public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)

    def pem(self) -> bytes:
        return self.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def changed(self, part: int, change: Callable[[bytes], bytes]) -> str:
        """Return a valid token with one part changed."""
        parts = self.signed(role="user").encode().split(b".")
        parts[part] = _base64(change(base64.urlsafe_b64decode(parts[part] + b"==")))
        return b".".join(parts).decode()

    def by_rsa(self) -> str:
        key = rsa.generate_private_key(65537, 2048)
        return jwt.encode(self.claims(), key, algorithm="RS256", headers={"kid": self.key.kid})

    def by_ecdsa(self) -> str:
        key = ec.generate_private_key(ec.SECP256R1())
        return jwt.encode(self.claims(), key, algorithm="ES256", headers={"kid": self.key.kid})

    def own_jwk(self) -> str:
        """Return a token that contains its own key."""
        unknown_key = ed25519.Ed25519PrivateKey.generate()
        raw = unknown_key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": _base64(raw).decode(), "kid": self.key.kid}
        header = {"alg": "EdDSA", "typ": "JWT", "kid": self.key.kid, "jwk": jwk}
        return self.handmade(header, self.claims(), unknown_key.sign)


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def unsigned(algorithm: str | None) -> Callable[[Forge], str]:
    header = {"typ": "JWT"} | ({"alg": algorithm} if algorithm is not None else {})
    return lambda forge: forge.handmade(header | {"kid": forge.key.kid}, forge.claims(), lambda _: b"")


def past(**seconds: int) -> Callable[[Forge], str]:
    def forged(forge: Forge) -> str:
        times: dict[str, Any] = {name: int(time.time()) + value for name, value in seconds.items()}
        return forge.signed(**times)

    return forged


FORGED: dict[str, Callable[[Forge], str]] = {
    **{f"alg {name}": unsigned(name) for name in ("none", "None", "NONE", "nOnE", "", "HS256", "EdDSA", "null")},
    "no alg": unsigned(None),
    "the public key as a secret": lambda forge: forge.hmac(forge.raw_key()),
    "its PEM as a secret": lambda forge: forge.hmac(forge.pem()),
    "its text as a secret": lambda forge: forge.hmac(_base64(forge.raw_key())),
    "an empty secret": lambda forge: forge.hmac(b""),
    "an empty secret, HS512": lambda forge: forge.hmac(b"", "HS512"),
    "EdDSA by HMAC": lambda forge: forge.hmac(forge.raw_key(), "EdDSA"),
    "RSA": Forge.by_rsa,
    "ECDSA": Forge.by_ecdsa,
    "an unknown key": lambda forge: forge.with_header(),
    "unknown kid": lambda forge: forge.with_header(kid=new_id()),
    "no kid": lambda forge: forge.handmade({"alg": "EdDSA"}, forge.claims(), lambda _: bytes(64)),
    "kid a path": lambda forge: forge.with_header(kid="../../../../dev/null"),
    "kid SQL": lambda forge: forge.with_header(kid="x' UNION SELECT 'AAAA' --"),
    "kid a command": lambda forge: forge.with_header(kid="x|sleep 10"),
    "kid a URL": lambda forge: forge.with_header(kid="http://127.0.0.1:1/key"),
    "kid a number": lambda forge: forge.with_header(kid=0),
    "kid a list": lambda forge: forge.with_header(kid=["a", "b"]),
    "kid with a zero": lambda forge: forge.with_header(kid=forge.key.kid + "\0x"),
    "kid very long": lambda forge: forge.with_header(kid="a" * 4000),
    "a key of its own": Forge.own_jwk,
    "keys elsewhere": lambda forge: forge.with_header(jku="http://127.0.0.1:1/.well-known/jwks.json"),
    "a certificate elsewhere": lambda forge: forge.with_header(x5u="http://127.0.0.1:1/cert.pem"),
    "critical and unknown": lambda forge: forge.handmade(
        {"alg": "EdDSA", "kid": forge.key.kid, "crit": ["admin"], "admin": True},
        forge.claims(),
        ed25519.Ed25519PrivateKey.generate().sign,
    ),
    "expired": past(exp=-60),
    "expired long ago": past(iat=-7200, exp=-3600),
    "not valid yet": past(nbf=3600),
    "never expires": lambda forge: forge.signed(exp=None),
    "expires as text": lambda forge: forge.signed(exp="tomorrow"),
    "another audience": lambda forge: forge.signed(aud="another"),
    "no audience": lambda forge: forge.signed(aud=None),
    "another issuer": lambda forge: forge.signed(iss="https://evil.example"),
    "no issuer": lambda forge: forge.signed(iss=None),
    "other claims": lambda forge: forge.changed(1, lambda claims: claims.replace(b'"user"', b'"operator"')),
    "another header": lambda forge: forge.changed(0, lambda header: header.replace(b"EdDSA", b"none")),
    "a bit of the signature": lambda forge: forge.changed(2, lambda sign: bytes((sign[0] ^ 1,)) + sign[1:]),
    "no signature": lambda forge: forge.changed(2, lambda _: b""),
    "a signature of zeros": lambda forge: forge.changed(2, lambda _: bytes(64)),
    "two signatures": lambda forge: forge.signed() + "." + forge.signed().split(".")[2],
    "nothing": lambda _: "",
    "dots": lambda _: "..",
    "no JSON": lambda _: "AAAA.AAAA.AAAA",
    "claims a list": lambda forge: forge.handmade({"alg": "EdDSA", "kid": forge.key.kid}, [1], forge.key.key.sign),  # type: ignore[arg-type]
    "very long": lambda forge: forge.with_header(pad="a" * 4000),
}


@pytest.fixture(scope="module")
def forge(mesh: LiveMesh, actors: Actors) -> Forge:
    return Forge(mesh, actors.owner.id)


@pytest.mark.parametrize("name", FORGED)
def test_forged_tokens_are_refused(name: str, forge: Forge, actors: Actors, attacks: Attacks) -> None:
    headers = {"Authorization": f"Bearer {FORGED[name](forge)}".strip()}
    task = message(RPCS[GET_TASK], task_id=actors.task)
    with attacks.attempt(f"{name}, REST"):
        answer = outcome_of(actors.http.get("/api/v1/users/me", headers=headers))
        assert (answer.status, answer.reason[:6]) == (401, "TOKEN_")
    with attacks.attempt(f"{name}, gRPC"):
        assert by_grpc(actors.channel, RPCS[GET_TASK], task, headers).status == 401
    for service, rpc, request in (
        ("auth", GET_ME, message(RPCS[GET_ME])),
        ("inference", GET_TASK, task),
        ("emoji-catalog", MODERATION, message(RPCS[MODERATION])),
    ):
        with attacks.attempt(f"{name}, past the gateway to {service}"), actors.direct(service, "gateway") as channel:
            assert by_grpc(channel, RPCS[rpc], request, headers).status == 401


def test_forged_tokens_differ_from_valid_ones_only_in_the_defect(
    forge: Forge, actors: Actors, attacks: Attacks
) -> None:
    """Check that a token without a defect is accepted."""
    headers = {"Authorization": f"Bearer {forge.signed()}"}
    assert actors.http.get("/api/v1/moderation/reports", headers=headers).status_code == 200
    with actors.direct("inference", "gateway") as channel:
        assert by_grpc(channel, RPCS[GET_TASK], message(RPCS[GET_TASK], task_id=actors.task), headers).status == 200


@pytest.mark.parametrize(
    "scheme", ["Basic {}", "{}", "bearer{}", "Token {}", "Bearer\t{}", "Digest {}", "Bearer Bearer {}", "Bearer {} {}"]
)
def test_valid_token_needs_the_bearer_scheme(scheme: str, forge: Forge, actors: Actors, attacks: Attacks) -> None:
    headers = {"Authorization": scheme.replace("{}", forge.signed())}
    with attacks.attempt(scheme):
        assert actors.http.get("/api/v1/users/me", headers=headers).status_code == 401


def test_valid_token_counts_in_the_header_only(forge: Forge, actors: Actors, attacks: Attacks) -> None:
    token = forge.signed()
    for name in ("access_token", "token", "jwt", "authorization"):
        with attacks.attempt(f"in the query as {name}"):
            assert actors.http.get("/api/v1/users/me", params={name: token}).status_code in (400, 401)
        with attacks.attempt(f"in a cookie as {name}"):
            assert actors.http.get("/api/v1/users/me", headers={"cookie": f"{name}={token}"}).status_code == 401
    for name in ("x-access-token", "x-jwt-payload", "proxy-authorization", "x-authorization"):
        with attacks.attempt(f"in {name}"):
            assert actors.http.get("/api/v1/users/me", headers={name: f"Bearer {token}"}).status_code == 401


def test_token_kinds_are_not_interchangeable(actors: Actors, attacks: Attacks) -> None:
    actor = actors.new_actor("guest")
    with attacks.attempt("a refresh token as an access token"):
        headers = {"Authorization": f"Bearer {actor.refresh_token}"}
        assert actors.http.get("/api/v1/users/me", headers=headers).status_code == 401
    with attacks.attempt("an access token as a refresh token"):
        body = {"refresh_token": actor.token[:128]}
        assert actors.http.post("/api/v1/users/auth/refresh", json=body).status_code == 401
    with attacks.attempt("a refresh token as a link"):
        assert actors.http.get(f"/api/v1/shared/{actor.refresh_token[:22]}").status_code == 404
    with attacks.attempt("a refresh token as a reset"):
        body = {"token": actor.refresh_token, "new_password": "another passphrase"}
        assert actors.http.post("/api/v1/users/password-reset/confirm", json=body).status_code == 400


def test_reused_refresh_token_revokes_its_family(mesh: LiveMesh, actors: Actors, attacks: Attacks) -> None:
    stolen = actors.new_actor("guest").refresh_token
    with attacks.attempt("a spent refresh token"):
        newest = _refreshed(actors, stolen).json()["refresh_token"]
        _end_the_time_for_retries(mesh)
        assert _refreshed(actors, stolen).status_code == 401
    with attacks.attempt("its successor"):
        assert _refreshed(actors, newest).status_code == 401


def _refreshed(actors: Actors, token: str) -> Any:
    return actors.http.post("/api/v1/users/auth/refresh", json={"refresh_token": token})


def _end_the_time_for_retries(mesh: LiveMesh) -> None:
    """Change the time of use in the database to a minute ago."""
    earlier = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=1)
    with contextlib.closing(sqlite3.connect(mesh.data / "auth.db", timeout=30)) as database, database:
        text = earlier.strftime("%Y-%m-%d %H:%M:%S.%f")
        changed = database.execute("UPDATE refresh_tokens SET used_at = ? WHERE used_at IS NOT NULL", (text,))
        assert changed.rowcount
