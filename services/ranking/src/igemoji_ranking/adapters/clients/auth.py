"""Client of the auth service."""

from igemoji.auth.v1 import auth_pb2, auth_pb2_grpc
from igemoji_mesh.auth.jwks import jwks_source
from igemoji_mesh.auth.tokens import KeySource
from igemoji_mesh.clients.channels import Channels


def token_keys(channels: Channels) -> KeySource:
    """Return the source of the public keys that verify access tokens."""
    stub = auth_pb2_grpc.AuthServiceStub(channels.to("auth"))
    return jwks_source(lambda: stub.Jwks(auth_pb2.JwksRequest()))
