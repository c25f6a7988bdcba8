"""Fake upstreams over real channels."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from igemoji.auth.v1 import auth_pb2, auth_pb2_grpc
from igemoji.emoji_catalog.v1 import emoji_catalog_pb2_grpc
from igemoji.inference.v1 import inference_pb2_grpc
from igemoji.ranking.v1 import ranking_pb2_grpc
from igemoji_mesh.auth.jwks import jwks_source
from igemoji_mesh.auth.tokens import KeySource, TokenVerifier
from igemoji_mesh.clients.channels import Channels
from igemoji_mesh.server import MeshServer
from igemoji_mesh.settings import ServiceSettings
from igemoji_mesh.testing.mesh import TestMesh, running

SERVICES: dict[str, tuple[str, Any]] = {
    "inference": (
        "igemoji.inference.v1.InferenceService",
        inference_pb2_grpc.add_InferenceServiceServicer_to_server,
    ),
    "emoji_catalog": (
        "igemoji.emoji_catalog.v1.EmojiCatalogService",
        emoji_catalog_pb2_grpc.add_EmojiCatalogServiceServicer_to_server,
    ),
    "ranking": ("igemoji.ranking.v1.RankingService", ranking_pb2_grpc.add_RankingServiceServicer_to_server),
}


def token_keys(channels: Channels) -> KeySource:
    """Return the published keys, as other services get them."""
    stub = auth_pb2_grpc.AuthServiceStub(channels.to("auth"))
    return jwks_source(lambda: stub.Jwks(auth_pb2.JwksRequest()))


@asynccontextmanager
async def serving(mesh: TestMesh, addresses: dict[str, str], **servicers: Any) -> AsyncIterator[None]:
    """Run fakes that check certificates, and access tokens with the keys that auth publishes."""
    async with AsyncExitStack() as stack:
        for name, servicer in servicers.items():
            service, add = SERVICES[name]
            own_name = name.replace("_", "-")
            settings = mesh.settings(ServiceSettings, own_name, listen=addresses[f"{name}_address"], **addresses)
            channels = Channels(settings)
            verifier = TokenVerifier(token_keys(channels))
            server = MeshServer(own_name, settings, {service: partial(add, servicer)}, verifier, {})
            server.on_close(channels.close)

            async def composed(_: ServiceSettings, server: MeshServer = server) -> MeshServer:
                return server

            await stack.enter_async_context(running(composed, settings))
        yield
