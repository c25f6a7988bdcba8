"""Limits per IP address."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import grpc
import pytest

from igemoji.auth.v1 import auth_pb2 as pb
from igemoji_auth.entrypoints.wiring import compose
from igemoji_auth.usecases.throttle import network
from igemoji_mesh.ids import new_id
from igemoji_mesh.testing.mesh import bearer, error_reason, running

from .client import PASSWORD, Auth, refusal

Attempt = Callable[[Auth, str], Awaitable[Any]]


def at(address: str) -> tuple[tuple[str, str], ...]:
    """Return the metadata by which the gateway names the client."""
    return (("x-envoy-external-address", address),)


def login(auth: Auth, address: str, email: str = "nobody@example.org", password: str = "wrong") -> Awaitable[Any]:
    return auth.stub.Login(pb.LoginRequest(email=email, password=password), metadata=at(address))


def register(auth: Auth, address: str) -> Awaitable[Any]:
    unique = new_id().replace("-", "")[-20:]
    request = pb.RegisterRequest(email=f"{unique}@example.org", password=PASSWORD, alias=unique)
    return auth.stub.Register(request, metadata=at(address))


def start_guest(auth: Auth, address: str) -> Awaitable[Any]:
    return auth.stub.StartGuest(pb.StartGuestRequest(), metadata=at(address))


def check_availability(auth: Auth, address: str) -> Awaitable[Any]:
    return auth.stub.CheckAvailability(pb.CheckAvailabilityRequest(case="alias", value="x"), metadata=at(address))


LIMITS: list[tuple[Attempt, int, int]] = [(register, 20, 10), (start_guest, 10, 10), (check_availability, 60, 5)]


async def is_refused(call: Awaitable[Any]) -> bool:
    error = await refusal(call)
    waits = [int(str(value)) for key, value in error.trailing_metadata() or () if key == "retry-after"]
    if (error.code(), error_reason(error)) != (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_TRIES"):
        return False
    assert waits
    assert 0 < waits[0] <= 3600
    return True


@pytest.mark.parametrize(("attempt", "limit", "minutes"), LIMITS)
async def test_address_limits_are_exact_across_replicas(auth, second_auth, clock, attempt, limit, minutes):
    for number in range(limit):
        await attempt([auth, second_auth][number % 2], "203.0.113.7")
    assert await is_refused(attempt(auth, "203.0.113.7"))
    await attempt(auth, "203.0.113.8")
    clock.forward(minutes=minutes)
    await attempt(auth, "203.0.113.7")


async def test_ten_failed_logins_block_an_address_for_every_account(auth, clock):
    user = await auth.register()
    for number in range(10):
        error = await refusal(login(auth, "203.0.113.7", f"user{number}@example.org"))
        assert error_reason(error) == "WRONG_CREDENTIALS"
        clock.forward(seconds=1)
    error = await refusal(login(auth, "203.0.113.7", user.email, PASSWORD))
    assert (error.code(), error_reason(error)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_TRIES")
    assert error.details() == "Too many attempts to log in from this address. Try again in 290 seconds."
    assert dict(error.trailing_metadata() or ())["retry-after"] == "290"
    assert await login(auth, "203.0.113.8", user.email, PASSWORD)
    clock.forward(seconds=290)
    assert await login(auth, "203.0.113.7", user.email, PASSWORD)


async def test_successful_logins_do_not_count(auth):
    user = await auth.register()
    for _ in range(12):
        await login(auth, "203.0.113.7", user.email, PASSWORD)
    for number in range(10):
        await refusal(login(auth, "203.0.113.7", f"user{number}@example.org"))
    assert await is_refused(login(auth, "203.0.113.7", user.email, PASSWORD))


async def test_many_users_of_one_address_can_log_in_concurrently(auth):
    users = [await auth.register() for _ in range(15)]
    await asyncio.gather(*(login(auth, "203.0.113.7", user.email, PASSWORD) for user in users))


async def test_concurrent_calls_do_not_exceed_the_limit(auth, second_auth):
    calls = [start_guest([auth, second_auth][number % 2], "203.0.113.7") for number in range(20)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(outcome, grpc.aio.AioRpcError) for outcome in outcomes) == 10


async def test_ipv6_addresses_of_one_64_share_a_limit(auth):
    for number in range(10):
        await start_guest(auth, f"2001:db8:1:2:{number}::1")
    assert await is_refused(start_guest(auth, "2001:db8:1:2:ffff::1"))
    assert await start_guest(auth, "2001:db8:1:3::1")


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
    ],
)
def test_addresses_are_grouped_by_network(address, counted_as):
    assert network(address) == counted_as


async def test_address_factor_raises_the_limits(mesh, make_settings, clock):
    async with running(partial(compose, now=clock), make_settings(address_factor=2)) as server:
        auth = Auth(mesh, server)
        for _ in range(20):
            await start_guest(auth, "203.0.113.7")
        assert await is_refused(start_guest(auth, "203.0.113.7"))


async def test_stolen_access_token_cannot_be_used_to_guess_the_password(auth, clock):
    user = await auth.register()
    token = (await auth.login(user.email)).access_token
    for _ in range(10):
        error = await refusal(auth.change_password(token, "wrong", "another-passphrase"))
        assert error_reason(error) == "PASSWORD_WRONG"
    assert await is_refused(auth.change_password(token, PASSWORD, "another-passphrase"))
    assert await auth.stub.GetMe(pb.GetMeRequest(), metadata=bearer(token))
    clock.forward(minutes=5)
    await auth.change_password(token, PASSWORD, "another-passphrase")
