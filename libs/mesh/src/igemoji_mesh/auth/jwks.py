"""The keys that sign access tokens, as auth publishes them."""

from collections.abc import Sequence

from igemoji.auth.v1 import auth_pb2, auth_pb2_grpc
from igemoji_mesh.auth.tokens import KeySource, PublicKey
from igemoji_mesh.clients.channels import Channels


def auth_keys(channels: Channels) -> KeySource:
    """Asks the auth service; for TokenVerifier."""
    stub = auth_pb2_grpc.AuthServiceStub(channels.to("auth"))

    async def fetch() -> Sequence[PublicKey]:
        answer = await stub.Jwks(auth_pb2.JwksRequest())
        return [PublicKey.from_x(key.kid, key.x) for key in answer.keys]

    return fetch
