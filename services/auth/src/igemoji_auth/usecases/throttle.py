"""How often something may be tried, by an account or from an address."""

import datetime
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Protocol

from igemoji_mesh.errors import Exhausted

IPV6_PREFIX = 64
"""What one customer is given has at least so many addresses of IPv6."""


class TooManyTries(Exhausted):
    """An account or an address has tried too often."""


@dataclass(frozen=True)
class Limit:
    what: str
    """As in: too many tries to …"""
    tries: int
    minutes: int

    @property
    def window(self) -> datetime.timedelta:
        return datetime.timedelta(minutes=self.minutes)


# Of these only failed tries count.
LOGIN_OF_ACCOUNT = Limit("log in to this account", 10, 5)
LOGIN_FROM_ADDRESS = Limit("log in from this address", 10, 5)
PASSWORD_OF_ACCOUNT = Limit("change this password", 10, 5)
# Of these all.
REGISTER_FROM_ADDRESS = Limit("register from this address", 20, 10)
GUEST_FROM_ADDRESS = Limit("start as a guest from this address", 10, 10)
AVAILABILITY_FROM_ADDRESS = Limit("find free names from this address", 60, 5)
RESET_OF_ACCOUNT = Limit("reset this password", 3, 60)
RESET_FROM_ADDRESS = Limit("reset passwords from this address", 10, 60)
CONFIRM_FROM_ADDRESS = Limit("choose another password from this address", 10, 10)


class TryStore(Protocol):
    """Tries by bucket, each until it expires."""

    async def begin(self, bucket: str, most: int, now: datetime.datetime, expires_at: datetime.datetime) -> str | None:
        """Counts a try before it is made, so that many at once do not slip past; None where there are as many."""

    async def full_until(self, bucket: str, most: int, now: datetime.datetime) -> datetime.datetime | None:
        """When the first try of a full bucket expires; None for one that is not full."""

    async def take_back(self, try_id: str) -> None: ...


class Throttle:
    def __init__(self, store: TryStore, now: Callable[[], datetime.datetime], address_factor: int) -> None:
        """`address_factor` multiplies what may be tried from one address."""
        self._store = store
        self._now = now
        self._address_factor = address_factor

    async def begin(self, limit: Limit, account: str) -> str:
        """Counts a try of an account; returns an id to take it back by. Raises TooManyTries."""
        return await self._begin(limit, account, limit.tries)

    async def take_back(self, try_id: str) -> None:
        await self._store.take_back(try_id)

    async def count(self, limit: Limit, address: str) -> None:
        """Counts a try from an IP address; an empty one is not known. Raises TooManyTries."""
        if address:
            await self._begin(limit, network(address), limit.tries * self._address_factor)

    async def check(self, limit: Limit, address: str) -> None:
        """Counts nothing. Raises TooManyTries where `count` would."""
        if address:
            bucket = _bucket(limit, network(address))
            await self._refuse_if_full(limit, bucket, limit.tries * self._address_factor, self._now())

    async def _begin(self, limit: Limit, key: str, most: int) -> str:
        now = self._now()
        bucket = _bucket(limit, key)
        try_id = await self._store.begin(bucket, most, now, now + limit.window)
        if try_id is None:
            await self._refuse_if_full(limit, bucket, most, now)
            return await self._begin(limit, key, most)  # one was taken back meanwhile
        return try_id

    async def _refuse_if_full(self, limit: Limit, bucket: str, most: int, now: datetime.datetime) -> None:
        until = await self._store.full_until(bucket, most, now)
        if until is not None:
            seconds = max(1, (until - now).total_seconds())
            raise TooManyTries(
                f"Too many tries to {limit.what}. Try again in {round(seconds)} seconds.", retry_after_seconds=seconds
            )


def network(address: str) -> str:
    """What counts as one address: of IPv6 its /64."""
    parsed = ip_address(address)
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> IPV6_PREFIX << IPV6_PREFIX))


def _bucket(limit: Limit, key: str) -> str:
    # A digest, because what is typed into a form need not be somebody's e-mail address: it may be a password.
    return hashlib.sha256(f"{limit.what}: {key}".encode()).hexdigest()
