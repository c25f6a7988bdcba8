"""Client of a running auth service."""

import datetime
from typing import Any

import grpc
import pytest

from igemoji.auth.v1 import auth_pb2 as pb
from igemoji.auth.v1 import auth_pb2_grpc
from igemoji_mesh.db.database import utc_now
from igemoji_mesh.ids import new_id
from igemoji_mesh.server import MeshServer
from igemoji_mesh.testing.mesh import TestMesh, bearer

PASSWORD = "a-good-passphrase"


class Clock:
    def __init__(self) -> None:
        self.time = utc_now()

    def __call__(self) -> datetime.datetime:
        return self.time

    def forward(self, **delta: float) -> None:
        self.time += datetime.timedelta(**delta)


class Auth:
    """Client of one replica."""

    def __init__(self, mesh: TestMesh, server: MeshServer) -> None:
        self.server = server
        self.stub = auth_pb2_grpc.AuthServiceStub(mesh.channel(server.port, "auth"))

    async def register(self, token: str = "", **changes: str) -> pb.User:
        """Register a new account; `token` is that of a guest."""
        unique = new_id().replace("-", "")
        fields = {"email": f"{unique}@example.org", "password": PASSWORD, "alias": unique[-20:]}
        metadata = bearer(token) if token else ()
        return await self.stub.Register(pb.RegisterRequest(**(fields | changes)), metadata=metadata)

    async def login(self, email: str, password: str = PASSWORD) -> pb.Session:
        return await self.stub.Login(pb.LoginRequest(email=email, password=password))

    async def login_with_token(self, email: str, password: str = PASSWORD) -> pb.Session:
        """Log in like a client without cookies."""
        return await self.stub.Login(pb.LoginRequest(email=email, password=password, refresh_token_in_body=True))

    async def start_guest(self) -> pb.Session:
        return await self.stub.StartGuest(pb.StartGuestRequest(refresh_token_in_body=True))

    async def rename(self, token: str, alias: str) -> pb.User:
        return await self.stub.UpdateMe(pb.UpdateMeRequest(alias=alias), metadata=bearer(token))

    async def change_password(self, token: str, present: str, new: str) -> pb.Session:
        request = pb.ChangePasswordRequest(current_password=present, new_password=new, refresh_token_in_body=True)
        return await self.stub.ChangePassword(request, metadata=bearer(token))

    async def delete(self, token: str) -> pb.Deletion:
        return await self.stub.DeleteMe(pb.DeleteMeRequest(), metadata=bearer(token))

    async def deletion(self, deletion_id: str) -> pb.Deletion:
        return await self.stub.GetDeletion(pb.GetDeletionRequest(id=deletion_id))

    async def refresh(self, token: str) -> pb.Session:
        return await self.stub.Refresh(pb.RefreshRequest(refresh_token=token))

    async def logout(self, token: str) -> None:
        await self.stub.Logout(pb.LogoutRequest(refresh_token=token))

    async def me(self, token: str) -> pb.User:
        return await self.stub.GetMe(pb.GetMeRequest(), metadata=bearer(token))

    async def available(self, case: str, value: str) -> bool:
        answer = await self.stub.CheckAvailability(pb.CheckAvailabilityRequest(case=case, value=value))
        return answer.available


async def refusal(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value
