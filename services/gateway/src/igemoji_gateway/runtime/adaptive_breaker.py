"""Adaptive circuit breaker for a mesh on one machine: narrows the limit of a service under sustained overload.

The static circuit breakers are wide, because one page asks for many pictures at once. Under sustained overload, that
many calls would all queue in the service, and each would wait for long. So the active calls are polled: if a service
has many at every poll for most of a second, its limit is narrowed through Envoy's runtime, until no call was refused
for a while. This is controlled delay (CoDel) where refusing is cheapest; see docs/adr/0073.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from igemoji_gateway.config.options import Address
from igemoji_gateway.runtime.admin import NOT_RUNNING, admin_request

SERVICES = ("emoji-catalog", "ranking")
"""Services that all visitors read from. Calls to the others may be photos, as slow as the line of their sender."""

POLL_SECONDS = 0.2
OVERLOADED_POLLS = 4
CALM_SECONDS = 2.0
OVERLOADED_CALLS = 16
"""Active calls to each address: twice as many as keep a Python process busy."""
NARROW_CALLS = 4
"""Limit under overload, for each address."""


@dataclass
class _Breaker:
    """Circuit breaker of one service."""

    overloaded_polls: int = 0
    """Consecutive polls with too many active calls."""
    refused: int = 0
    """Refused calls since Envoy's start."""
    last_refused_at: float = 0.0
    should_be_narrow: bool = False
    is_narrow: bool = False


class AdaptiveBreaker:
    """Adapts the circuit breakers of one Envoy."""

    def __init__(
        self, admin: Address, addresses: int, on_event: Callable[[str], None] = lambda _sentence: None
    ) -> None:
        """Start with wide breakers.

        Args:
            admin: Address of Envoy's admin API.
            addresses: Number of addresses of each service.
            on_event: Called with a sentence when a breaker is narrowed or reset.
        """
        self._admin = admin
        self._overloaded_calls = OVERLOADED_CALLS * addresses
        self._narrow_calls = NARROW_CALLS * addresses
        self._on_event = on_event
        self._breakers = {service: _Breaker() for service in SERVICES}

    async def run(self) -> None:
        """Poll and adapt until canceled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            with contextlib.suppress(*NOT_RUNNING):
                await self._poll()

    async def _poll(self) -> None:
        counts = await self._counts()
        for service, breaker in self._breakers.items():
            overloaded = counts[service, "active"] > self._overloaded_calls
            refused = counts[service, "active_overflow"]
            if refused < breaker.refused:  # Envoy was restarted, and its runtime reset
                breaker.is_narrow = False
            _update(breaker, overloaded, refused)
            if breaker.should_be_narrow != breaker.is_narrow:
                most = self._narrow_calls if breaker.should_be_narrow else ""
                await self._request("POST", f"/runtime_modify?circuit_breakers.{service}.default.max_requests={most}")
                breaker.is_narrow = breaker.should_be_narrow
                change = f"narrowed to {self._narrow_calls} calls at a time" if breaker.is_narrow else "reset"
                self._on_event(f"circuit breaker of {service} {change}")

    async def _counts(self) -> dict[tuple[str, str], int]:
        names = f"^cluster.({'|'.join(SERVICES)}).upstream_rq_active(_overflow)?$"
        text = await self._request("GET", f"/stats?filter={quote(names)}")
        found = re.findall(r"^cluster\.(.+)\.upstream_rq_(active|active_overflow): (\d+)\r?$", text, re.MULTILINE)
        counts = dict.fromkeys(((service, what) for service in SERVICES for what in ("active", "active_overflow")), 0)
        return counts | {(service, what): int(count) for service, what, count in found}

    async def _request(self, method: str, path: str) -> str:
        return await asyncio.to_thread(admin_request, self._admin, method, path)


def _update(breaker: _Breaker, overloaded: bool, refused: int) -> None:
    now = time.monotonic()
    if refused != breaker.refused:
        breaker.last_refused_at = now
    breaker.refused = refused
    breaker.overloaded_polls = breaker.overloaded_polls + 1 if overloaded else 0
    if breaker.overloaded_polls == OVERLOADED_POLLS:
        breaker.should_be_narrow, breaker.last_refused_at = True, now
    elif now - breaker.last_refused_at > CALM_SECONDS:
        breaker.should_be_narrow = False
