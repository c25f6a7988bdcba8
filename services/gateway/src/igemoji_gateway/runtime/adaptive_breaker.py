"""On one machine: a burst waits, and where a crowd stands before a service, few are let in at a time.

A page asks for many pictures at once; for that the circuit breakers of the gateway are wide. Where more comes than a
service answers, as many as they let in would wait for a turn, everybody for long. So somebody looks: when a service has
had many calls at every look for most of a second, its circuit breaker is made narrow, by Envoy's runtime, until nobody
had to be refused for a while. That is controlled delay (docs/adr/0073) where refusing costs least.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from igemoji_gateway.config.options import Address

SERVICES = ("emoji-catalog", "ranking")
"""What everyone reads. Of other services a call may be a photo, and takes as long as the line of whoever sends it."""

LOOK_SECONDS = 0.2
LOOKS = 4
CALM_SECONDS = 2.0
MANY = 16
"""Calls under way, to each address: twice of what keeps a Python process busy."""
FEW = 4
ADMIN_SECONDS = 2.0


@dataclass
class _Crowd:
    """Before one service."""

    looks: int = 0
    """At which there were many, one after the other."""
    refused: int = 0
    """Ever, as Envoy counts."""
    last_refused_at: float = 0.0
    stands: bool = False
    is_narrow: bool = False
    """The breaker."""


class Crowds:
    """Looks after the circuit breakers of an Envoy."""

    def __init__(
        self, admin: Address, addresses: int, on_event: Callable[[str], None] = lambda _sentence: None
    ) -> None:
        """
        Args:
            admin: Envoy's admin port.
            addresses: Of each service.
            on_event: Told when a breaker is made narrow or wide: a sentence.
        """
        self._admin = admin
        self._many = MANY * addresses
        self._few = FEW * addresses
        self._on_event = on_event
        self._crowds = {service: _Crowd() for service in SERVICES}

    async def watch(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            # An Envoy that does not answer starts or ends.
            with contextlib.suppress(OSError, TimeoutError):
                await self._look()

    async def _look(self) -> None:
        counts = await self._counts()
        for service, crowd in self._crowds.items():
            many, refused = counts[service, "active"] > self._many, counts[service, "active_overflow"]
            if refused < crowd.refused:  # an Envoy that was started anew knows nothing of before
                crowd.is_narrow = False
            _note(crowd, many, refused)
            if crowd.stands != crowd.is_narrow:
                most = self._few if crowd.stands else ""
                await self._ask("POST", f"/runtime_modify?circuit_breakers.{service}.default.max_requests={most}")
                crowd.is_narrow = crowd.stands
                how = f"only {self._few} calls at a time" if crowd.stands else "as many calls at a time as usual"
                self._on_event(f"lets {how} in to {service}")

    async def _counts(self) -> dict[tuple[str, str], int]:
        names = f"^cluster.({'|'.join(SERVICES)}).upstream_rq_active(_overflow)?$"
        text = await self._ask("GET", f"/stats?filter={quote(names)}")
        found = re.findall(r"^cluster\.(.+)\.upstream_rq_(active|active_overflow): (\d+)\r?$", text, re.MULTILINE)
        counts = dict.fromkeys(((service, what) for service in SERVICES for what in ("active", "active_overflow")), 0)
        return counts | {(service, what): int(count) for service, what, count in found}

    async def _ask(self, method: str, path: str) -> str:
        async with asyncio.timeout(ADMIN_SECONDS):
            reader, writer = await asyncio.open_connection(self._admin.host, self._admin.port)
            with contextlib.closing(writer):
                head = f"{method} {path} HTTP/1.1\r\nHost: admin\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                writer.write(head.encode())
                return (await reader.read()).decode()


def _note(crowd: _Crowd, many: bool, refused: int) -> None:
    now = time.monotonic()
    if refused != crowd.refused:
        crowd.last_refused_at = now
    crowd.refused = refused
    crowd.looks = crowd.looks + 1 if many else 0
    if crowd.looks == LOOKS:
        crowd.stands, crowd.last_refused_at = True, now
    elif now - crowd.last_refused_at > CALM_SECONDS:
        crowd.stands = False
