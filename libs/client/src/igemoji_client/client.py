"""The client for threads: the client for asyncio, in an event loop of its own."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from anyio.from_thread import start_blocking_portal

from igemoji_client.async_client import AsyncClient
from igemoji_client.blocking import Accounts, Loop, Moderation, Tasks, Templates
from igemoji_client.models import RankingEntry, Session, Window
from igemoji_client.transport import Options


class Client:
    """IGE MOJI at one address, for threads; `with` closes its connections. See AsyncClient for the arguments.

    with Client("http://127.0.0.1:8080") as client:
        client.accounts.start_guest()
        task_id = client.tasks.create(Path("photo.jpg"), template_id)
        for task in client.tasks.watch(task_id): ...
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
        client = AsyncClient(
            url,
            ca_file=ca_file,
            session=session,
            on_session=on_session,
            options=options,
            http_transport=http_transport,
        )
        self._closing = ExitStack()
        loop = Loop(self._closing.enter_context(start_blocking_portal()))
        self._closing.callback(loop.run, client.close)
        self._use(loop, client)

    def _use(self, loop: Loop, client: AsyncClient) -> None:
        self._loop, self._client = loop, client
        self.accounts = Accounts(loop, client.accounts)
        self.templates = Templates(loop, client.templates)
        self.tasks = Tasks(loop, client.tasks)
        self.moderation = Moderation(loop, client.moderation)

    @property
    def session(self) -> Session | None:
        """Return the session, or None without a login."""
        return self._client.session

    def with_options(self, options: Options) -> Self:
        """Return a client with other options that shares the connections and the login of this one."""
        other = object.__new__(type(self))
        other._closing = ExitStack()
        other._use(self._loop, self._client.with_options(options))
        return other

    def ranking(self, window: Window = "week", limit: int = 10) -> tuple[RankingEntry, ...]:
        """Return the most used templates of a window."""
        return self._loop.run(self._client.ranking, window, limit)

    def close(self) -> None:
        """Close the connections and stop the event loop."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
