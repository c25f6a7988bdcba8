"""The client for asyncio."""

from collections.abc import Callable
from copy import copy
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from igemoji_client.accounts import AsyncAccounts
from igemoji_client.models import Ranking, RankingEntry, Session, Window
from igemoji_client.operators import AsyncModeration
from igemoji_client.tasks import AsyncTasks
from igemoji_client.templates import AsyncTemplates
from igemoji_client.transport import Login, Options, Transport, get, http_client


class AsyncClient:
    """IGE MOJI at one address, for asyncio; `async with` closes its connections.

    async with AsyncClient("http://127.0.0.1:8080") as client:
        await client.accounts.start_guest()
        task_id = await client.tasks.create(Path("photo.jpg"), template_id)
        async for task in client.tasks.watch(task_id): ...
    """

    def __init__(
        self,
        url: str,
        *,
        ca_file: Path | None = None,
        session: Session | None = None,
        on_session: Callable[[Session | None], None] = lambda _: None,
        options: Options = Options(),  # noqa: B008 - immutable
        http_transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Open a client; nothing is sent yet.

        Args:
            url: Address of the gateway.
            ca_file: PEM certificates of the trusted authorities, instead of the system's.
            session: A session that was kept.
            on_session: Called with each new session, so that it can be kept, and with None at logout.
            options: Deadlines and retries.
            http_transport: Replaces the network, for tests.
        """
        self._http = http_client(url, ca_file, http_transport)
        self._use(Transport(self._http, Login(session, on_session), options))

    def _use(self, transport: Transport) -> None:
        self._transport = transport
        self.accounts = AsyncAccounts(transport)
        self.templates = AsyncTemplates(transport)
        self.tasks = AsyncTasks(transport)
        self.moderation = AsyncModeration(transport)

    @property
    def session(self) -> Session | None:
        """Return the session, or None without a login."""
        return self._transport.login.session

    def with_options(self, options: Options) -> Self:
        """Return a client with other options that shares the connections and the login of this one."""
        other = copy(self)
        other._use(self._transport.with_options(options))
        return other

    async def ranking(self, window: Window = "week", limit: int = 10) -> tuple[RankingEntry, ...]:
        """Return the most used templates of a window."""
        call = get("/api/v1/faces/ranking", window=window, limit=limit)
        return (await self._transport.model(Ranking, call)).entries

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
