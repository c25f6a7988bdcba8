"""Limits on attempts per account and per IP address, shared by all replicas."""

import datetime
import hashlib
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from igemoji_auth.domain.errors import TooManyTries
from igemoji_auth.usecases.ports import AttemptStore, Now

IPV6_PREFIX = 64
"""One customer gets at least a /64."""


@dataclass(frozen=True)
class Limit:
    """At most `attempts` in a sliding window of `minutes`."""

    action: str
    """As in: too many attempts to …"""
    attempts: int
    minutes: int

    @property
    def window(self) -> datetime.timedelta:
        """The time until an attempt no longer counts."""
        return datetime.timedelta(minutes=self.minutes)


# Only failed attempts count.
LOGIN_OF_ACCOUNT = Limit("log in to this account", 10, 5)
LOGIN_FROM_ADDRESS = Limit("log in from this address", 10, 5)
PASSWORD_OF_ACCOUNT = Limit("change this password", 10, 5)
# All attempts count.
REGISTER_FROM_ADDRESS = Limit("register from this address", 20, 10)
GUEST_FROM_ADDRESS = Limit("start as a guest from this address", 10, 10)
AVAILABILITY_FROM_ADDRESS = Limit("find free names from this address", 60, 5)
RESET_OF_ACCOUNT = Limit("reset this password", 3, 60)
RESET_FROM_ADDRESS = Limit("reset passwords from this address", 10, 60)
CONFIRM_FROM_ADDRESS = Limit("confirm password resets from this address", 10, 10)


@dataclass(frozen=True)
class Throttle:
    """Counts attempts and refuses those above a limit."""

    _store: AttemptStore
    _address_factor: int
    """Multiplies the limits of IP addresses."""
    _now: Now

    async def begin(self, limit: Limit, account: str) -> str:
        """Count an attempt of an account; return its id for `forgive`. Raises TooManyTries."""
        return await self._begin(limit, account, limit.attempts)

    async def forgive(self, attempt_id: str) -> None:
        """Remove an attempt that must not count, such as a successful login."""
        await self._store.remove(attempt_id)

    async def count(self, limit: Limit, address: str) -> None:
        """Count an attempt from an IP address, unless it is empty (unknown). Raises TooManyTries."""
        if address:
            await self._begin(limit, network(address), limit.attempts * self._address_factor)

    async def check(self, limit: Limit, address: str) -> None:
        """Raise TooManyTries if `count` would, but count nothing."""
        if address:
            bucket = _bucket(limit, network(address))
            await self._refuse_if_full(limit, bucket, limit.attempts * self._address_factor, self._now())

    async def _begin(self, limit: Limit, key: str, most: int) -> str:
        now = self._now()
        bucket = _bucket(limit, key)
        attempt_id = await self._store.add(bucket, most, now, now + limit.window)
        if attempt_id is None:
            await self._refuse_if_full(limit, bucket, most, now)
            return await self._begin(limit, key, most)  # one was forgiven in the meantime
        return attempt_id

    async def _refuse_if_full(self, limit: Limit, bucket: str, most: int, now: datetime.datetime) -> None:
        until = await self._store.full_until(bucket, most, now)
        if until is not None:
            seconds = max(1, (until - now).total_seconds())
            text = f"Too many attempts to {limit.action}. Try again in {round(seconds)} seconds."
            raise TooManyTries(text, retry_after_seconds=seconds)


def network(address: str) -> str:
    """Return the network that shares a limit: an IPv4 address, or the /64 of an IPv6 address."""
    parsed = ip_address(address)
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> IPV6_PREFIX << IPV6_PREFIX))


def _bucket(limit: Limit, key: str) -> str:
    # A digest, because users type passwords into the field for the address.
    return hashlib.sha256(f"{limit.action}: {key}".encode()).hexdigest()
