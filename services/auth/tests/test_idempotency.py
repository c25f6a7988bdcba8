"""Idempotency keys of registrations and guests, whose callers have no token: the scope is the IP address."""

import asyncio
from typing import Any

import grpc
import pytest

from igemoji.auth.v1 import auth_pb2 as pb
from igemoji_mesh.ids import new_id
from igemoji_mesh.testing.mesh import bearer, error_reason

from .client import PASSWORD, Auth, refusal

KEY = "5c1c7f3e-7f52-4d7e-9d55-1c2c5a0f9f4e"
HERE, THERE = "192.0.2.1", "2001:db8::1"


def start_guest(auth: Auth, address: str = HERE, key: str = KEY) -> Any:
    metadata = (("x-envoy-external-address", address), ("idempotency-key", key))
    return auth.stub.StartGuest(pb.StartGuestRequest(refresh_token_in_body=True), metadata=metadata)


async def test_repeated_guest_start_replays_the_session(auth, second_auth):
    first = await start_guest(auth)
    assert await start_guest(second_auth) == first
    assert (await auth.refresh(first.refresh_token)).user == first.user


async def test_same_key_from_another_address_starts_another_guest(auth):
    assert (await start_guest(auth, HERE)).user.id != (await start_guest(auth, THERE)).user.id


async def test_replays_do_not_count_as_attempts(auth):
    for _ in range(15):
        await start_guest(auth)
    for number in range(9):
        await start_guest(auth, key=f"{number}{KEY}")
    assert error_reason(await refusal(start_guest(auth, key=f"x{KEY}"))) == "TOO_MANY_TRIES"


@pytest.mark.parametrize("as_guest", [False, True])
async def test_concurrent_registrations_with_one_key_create_one_account(auth, second_auth, as_guest):
    unique = new_id().replace("-", "")[-20:]
    request = pb.RegisterRequest(email=f"{unique}@example.org", password=PASSWORD, alias=unique)
    token = (await auth.start_guest()).access_token
    metadata = (("idempotency-key", KEY), *(bearer(token) if as_guest else ()))

    async def register(number: int) -> Any:
        try:
            return await (auth, second_auth)[number % 2].stub.Register(request, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            return error_reason(error)

    concurrent = await asyncio.gather(*map(register, range(6)))
    created = [answer for answer in concurrent if isinstance(answer, pb.User)]
    assert len(created) >= 1
    assert {answer for answer in concurrent if isinstance(answer, str)} <= {"IDEMPOTENT_CALL_UNDER_WAY"}
    assert all(user == created[0] for user in [*created, await register(0), await register(1)])
