"""Fakes of the four services: a gRPC server each, with its certificate and configurable answers."""

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from igemoji.auth.v1 import auth_pb2
from igemoji.emoji_catalog.v1 import emoji_catalog_pb2
from igemoji.inference.v1 import inference_pb2
from igemoji.ranking.v1 import ranking_pb2
from igemoji_gateway.config.bootstrap import write
from igemoji_gateway.config.contract import is_internal, rest_call, service_name
from igemoji_gateway.config.options import Address, Certificates, GatewayOptions
from igemoji_gateway.runtime.binary import envoy_command
from igemoji_mesh.testing.mesh import TestMesh, free_port
from igemoji_protos import Rpc, rpcs

STUBS = [auth_pb2, emoji_catalog_pb2, inference_pb2, ranking_pb2]
"""Imported so that the messages of every service are in protobuf's pool."""

RPCS = {rpc.path: rpc for rpc in rpcs()}
ROUTED = [rpc for rpc in RPCS.values() if not is_internal(rpc)]
INTERNAL = [rpc for rpc in RPCS.values() if is_internal(rpc)]
SERVICES = list(dict.fromkeys(map(service_name, RPCS.values())))
SOME_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
JWKS = "/igemoji.auth.v1.AuthService/Jwks"

Answer = Callable[[Any, Any], Any]
"""Takes request and context; returns a message, an awaitable of one, or an asynchronous iterator."""


def message(name: str) -> type[Message]:
    return message_factory.GetMessageClass(Default().FindMessageTypeByName(name))


@dataclass
class Call:
    """A call as a service received it."""

    rpc: Rpc
    metadata: dict[str, str]
    request: Any
    deadline_seconds: float | None


@dataclass
class FakeMesh:
    """The services behind the gateway. `answers` has the answers by RPC path; the default is an empty message."""

    certificates: TestMesh
    ports: dict[str, int]
    answers: dict[str, Answer] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    _servers: dict[str, grpc.aio.Server] = field(default_factory=dict)

    @classmethod
    def create(cls, folder: Path) -> "FakeMesh":
        return cls(TestMesh(folder), {service: free_port() for service in SERVICES})

    async def start(self, service: str, *, certificate: str | None = None) -> None:
        """Start a service with its own certificate, or another service's."""
        folder = self.certificates.folder
        name = certificate or service
        pair = ((folder / f"{name}.key").read_bytes(), (folder / f"{name}.crt").read_bytes())
        credentials = grpc.ssl_server_credentials(
            [pair], root_certificates=(folder / "ca.crt").read_bytes(), require_client_auth=True
        )
        server = grpc.aio.server(options=[("grpc.max_receive_message_length", 18 << 20), ("grpc.so_reuseport", 0)])
        server.add_generic_rpc_handlers((_Handler(self),))
        healthy = health.aio.HealthServicer()
        await healthy.set("", health_pb2.HealthCheckResponse.SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
        server.add_secure_port(f"127.0.0.1:{self.ports[service]}", credentials)
        await server.start()
        self._servers[service] = server

    async def stop(self, service: str | None = None) -> None:
        for name in [service] if service else list(self._servers):
            await self._servers.pop(name).stop(None)

    def reset(self) -> None:
        self.answers.clear()
        self.calls.clear()

    def options(self, **others: Any) -> GatewayOptions:
        folder = self.certificates.folder
        values: dict[str, Any] = {
            "upstreams": {service: Address("127.0.0.1", port) for service, port in self.ports.items()},
            "certificates": Certificates(folder / "gateway.crt", folder / "gateway.key", folder / "ca.crt"),
            "listen": Address("127.0.0.1", free_port()),
            "admin": Address("127.0.0.1", free_port()),
            "rate_factor": 1000,
        }
        return GatewayOptions(**(values | others))

    def jwks(self, _request: Any, _context: Any) -> Message:
        key = self.certificates.signing_key.public
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": key.x, "kid": key.kid, "alg": "EdDSA", "use": "sig"}
        return message("igemoji.auth.v1.JwksResponse")(keys=[jwk])


class _Handler(grpc.GenericRpcHandler):
    """Handler of every RPC of the contract."""

    def __init__(self, mesh: FakeMesh) -> None:
        self._mesh = mesh

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        if details.method not in RPCS:
            return None
        rpc = RPCS[details.method]
        kind = grpc.unary_stream_rpc_method_handler if rpc.server_streaming else grpc.unary_unary_rpc_method_handler
        answer = self._many if rpc.server_streaming else self._one

        def behavior(request: Any, context: Any) -> Any:
            return answer(rpc, request, context)

        return kind(
            _as_coroutine(rpc, behavior),
            request_deserializer=message(rpc.request).FromString,
            response_serializer=message(rpc.response).SerializeToString,
        )

    def _answer(self, rpc: Rpc, request: Any, context: Any) -> Any:
        mesh = self._mesh
        if rpc.path == JWKS:
            return mesh.answers.get(JWKS, mesh.jwks)(request, context)
        remaining = context.time_remaining()
        metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        mesh.calls.append(Call(rpc, metadata, request, remaining))
        if rpc.path in mesh.answers:
            return mesh.answers[rpc.path](request, context)
        return message(rpc.response)()

    async def _one(self, rpc: Rpc, request: Any, context: Any) -> Any:
        answer = self._answer(rpc, request, context)
        return await answer if inspect.isawaitable(answer) else answer

    async def _many(self, rpc: Rpc, request: Any, context: Any) -> AsyncIterator[Any]:
        answer = self._answer(rpc, request, context)
        if not hasattr(answer, "__aiter__"):
            yield await answer if inspect.isawaitable(answer) else answer
            return
        async for item in answer:
            yield item


def _as_coroutine(rpc: Rpc, behavior: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Wrap a handler: grpc.aio inspects whether it is a coroutine or an asynchronous generator."""
    if rpc.server_streaming:

        async def many(request: Any, context: Any) -> AsyncIterator[Any]:
            async for item in behavior(request, context):
                yield item

        return many

    async def one(request: Any, context: Any) -> Any:
        return await behavior(request, context)

    return one


def rest_calls(rpc: Rpc) -> list[tuple[str, str]]:
    """Return method and an example path for each REST binding of an RPC."""
    calls = []
    fields = Default().FindMessageTypeByName(rpc.request).fields
    numbers = {field.name for field in fields if field.cpp_type == FieldDescriptor.CPPTYPE_INT32}
    for binding in rpc.bindings:
        method, template = rest_call(binding)
        path = template.replace("{expression}", "happy").replace("{case}", "result")
        calls.append((method, re.sub(r"\{(\w+)\}", lambda found: "1" if found[1] in numbers else SOME_ID, path)))
    return calls


def error_info(reply: httpx.Response) -> tuple[int, int, str, str]:
    """Return HTTP status, code, reason and message of an error; fail unless it has the form of the contract."""
    assert reply.headers["content-type"] == "application/json"
    body = reply.json()
    assert set(body) == {"code", "message", "details"}
    (info,) = body["details"]
    assert info["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
    assert info["domain"] == "igemoji"
    return reply.status_code, body["code"], info["reason"], body["message"]


@dataclass
class Gateway:
    """A running Envoy."""

    options: GatewayOptions
    process: asyncio.subprocess.Process
    log: Path
    errors: Path

    @property
    def target(self) -> str:
        return f"{self.options.listen.host}:{self.options.listen.port}"

    @property
    def url(self) -> str:
        return f"http://{self.target}"

    @property
    def admin(self) -> str:
        return f"http://{self.options.admin.host}:{self.options.admin.port}"

    def client(self, **options: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, timeout=10, **options)

    async def stop(self) -> None:
        self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), 5)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


async def start_gateway(
    options: GatewayOptions, folder: Path, *, change: Callable[[str], str] = lambda text: text
) -> Gateway:
    """Write the configuration (changed, for example with shorter timeouts), start Envoy, and wait until it answers."""
    configuration = folder / f"envoy-{options.listen.port}.yaml"
    write(options, configuration)
    configuration.write_text(change(configuration.read_text(encoding="utf-8")), encoding="utf-8")
    log, errors = configuration.with_suffix(".log"), configuration.with_suffix(".err")
    with log.open("wb") as out, errors.open("wb") as err:
        command = envoy_command(configuration, concurrency=1)
        process = await asyncio.create_subprocess_exec(*command, stdout=out, stderr=err)
    gateway = Gateway(options, process, log, errors)
    async with gateway.client() as client:
        if not await eventually(lambda: _answers(client, "/healthz"), give_up=process):
            await gateway.stop() if process.returncode is None else None
            raise AssertionError(f"Envoy does not start:\n{errors.read_text()}")
    return gateway


async def _answers(client: httpx.AsyncClient, path: str) -> bool:
    try:
        return (await client.get(path)).status_code == 200
    except httpx.TransportError:
        return False


async def eventually(
    holds: Callable[[], Awaitable[bool]], *, seconds: float = 10, give_up: asyncio.subprocess.Process | None = None
) -> bool:
    """Return whether a condition becomes true in time."""
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        if await holds():
            return True
        if give_up and give_up.returncode is not None:
            return False
        await asyncio.sleep(0.02)
    return False
