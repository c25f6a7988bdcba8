"""Calls over HTTP: who is logged in, what is tried again, and how long it may take."""

import asyncio
import itertools
import random
import ssl
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, TypeVar

import httpx

from igemoji_client.errors import (
    ApiError,
    ConnectionFailed,
    DeadlineExceeded,
    IgemojiError,
    NotAuthenticated,
    ServerTrouble,
    TooManyRequests,
    error_of,
)
from igemoji_client.models import Json, Session
from igemoji_client.uploads import Upload

T = TypeVar("T")

RENEWED_BEFORE_SECONDS = 15
"""An access token is renewed so long before it expires, so that it is good when it arrives."""
READ_SECONDS = 60.0
_UNDER_WAY = "IDEMPOTENT_CALL_UNDER_WAY"


@dataclass(frozen=True)
class Options:
    """How a client goes about its calls."""

    deadline_seconds: float = 60.0
    """How long a call may take, with all its tries and waits between them."""
    tries: int = 4
    """How often a call is made at most, where it may be made again; 1: never again."""
    backoff_seconds: float = 0.25
    """The wait before the second try; it doubles from try to try, and a random part of it is taken."""
    longest_backoff_seconds: float = 5.0


@dataclass(frozen=True)
class Call:
    """One call of the API."""

    method: str
    path: str
    params: dict[str, str | int | bool] = field(default_factory=dict)
    json: Json | None = None
    upload: Upload | None = None
    headers: dict[str, str] = field(default_factory=dict)
    safe: bool = False
    """Made again it does no harm: a read, or something that comes out the same however often it is done."""
    login: bool = True
    """Whether the caller's token goes with it."""
    read_seconds: float = READ_SECONDS
    """How long the server may say nothing."""


def get(path: str, **params: str | int | bool) -> Call:
    """A read. Parameters that are empty are left out."""
    return Call("GET", path, {key: value for key, value in params.items() if value}, safe=True)


def creating(path: str, json: Json, key: str | None, **params: str | int | bool) -> Call:
    """A POST that may be made again: the server knows it by its key. None: a new key."""
    return Call("POST", path, params, json, headers=key_header(key), safe=True)


def key_header(key: str | None) -> dict[str, str]:
    return {"Idempotency-Key": key or str(uuid.uuid4())}


class Login:
    """The session of a client, renewed by one call at a time."""

    def __init__(self, session: Session | None, changed: Callable[[Session | None], None]) -> None:
        self._changed = changed
        self._lock = asyncio.Lock()
        self._session: Session | None = None
        self._renew_at = 0.0
        if session is not None:
            self._take(session, renew_at=0.0)  # nobody knows how old it is

    @property
    def session(self) -> Session | None:
        return self._session

    def set(self, session: Session | None) -> None:
        if session is None:
            self._session = None
        else:
            self._take(session, time.monotonic() + session.expires_in - RENEWED_BEFORE_SECONDS)
        self._changed(session)

    async def token(self, refresh: Callable[[str], Awaitable[Session]]) -> str | None:
        """A token that is good for now, or None where nobody is logged in."""
        session = self._session
        if session is None:
            return None
        if session.refresh_token and time.monotonic() >= self._renew_at:
            await self.renew(session.access_token, refresh)
        return self._session.access_token if self._session else None

    async def renew(self, stale: str, refresh: Callable[[str], Awaitable[Session]]) -> bool:
        """Gets another token than the one that is no good any more; False where there is no way to."""
        async with self._lock:
            session = self._session
            if session is None or not session.refresh_token:
                return False
            if session.access_token != stale:  # somebody else was first
                return True
            try:
                renewed = await refresh(session.refresh_token)
            except NotAuthenticated:
                if self._session is session:
                    self.set(None)
                return False
            if self._session is session:
                self.set(renewed)
            return True

    def _take(self, session: Session, renew_at: float) -> None:
        self._session, self._renew_at = session, renew_at


class Transport:
    """Makes calls: with the token, which it renews, and again where that does no harm, until an answer or an error."""

    def __init__(self, http: httpx.AsyncClient, login: Login, options: Options) -> None:
        self.login = login
        self.options = options
        self._http = http

    def with_options(self, options: Options) -> "Transport":
        return Transport(self._http, self.login, options)

    async def send(self, call: Call) -> httpx.Response:
        """The answer, read to its end. Raises ApiError, ConnectionFailed, DeadlineExceeded."""

        async def once(token: str | None) -> httpx.Response:
            async with self._answer(call, token) as response:
                await response.aread()
                return response

        return await self._within_deadline(self._tried(call, once))

    async def json(self, call: Call) -> Json:
        """As `send`: the object in the answer."""
        response = await self.send(call)
        try:
            told = response.json()
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise ServerTrouble(response.status_code, "The answer is no JSON object: is this the address of IGE MOJI?")
        return told

    async def download(self, call: Call, file: BinaryIO) -> None:
        """As `send`, with the answer written to a file."""

        async def once(token: str | None) -> None:
            async with self._answer(call, token) as response:
                file.seek(0)
                file.truncate()
                async for chunk in response.aiter_bytes():
                    file.write(chunk)

        await self._within_deadline(self._tried(call, once))

    @asynccontextmanager
    async def stream(self, call: Call) -> AsyncIterator[httpx.Response]:
        """An answer that is read as it comes; tried once, and once more where the token has expired."""
        async with AsyncExitStack() as stack:

            async def once(token: str | None) -> httpx.Response:
                return await stack.enter_async_context(self._answer(call, token))

            yield await self._logged_in(call, once)

    async def _within_deadline(self, work: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self.options.deadline_seconds):
                return await work
        except TimeoutError:
            raise DeadlineExceeded(f"It took longer than {self.options.deadline_seconds:g} s.") from None

    async def _tried(self, call: Call, once: Callable[[str | None], Awaitable[T]]) -> T:
        ends = time.monotonic() + self.options.deadline_seconds
        for number in itertools.count(1):
            try:
                return await self._logged_in(call, once)
            except IgemojiError as error:
                wait = wait_seconds(error, call, number, self.options)
                if wait is None or time.monotonic() + wait >= ends:
                    raise
            await asyncio.sleep(wait)
        raise AssertionError  # the count has no end

    async def _logged_in(self, call: Call, once: Callable[[str | None], Awaitable[T]]) -> T:
        token = await self.login.token(self._refresh) if call.login else None
        try:
            return await once(token)
        except NotAuthenticated:
            if token is None or not await self.login.renew(token, self._refresh):
                raise
        return await once(self.login.session.access_token if self.login.session else None)

    async def _refresh(self, refresh_token: str) -> Session:
        # It counts once, but the server answers the same for ten seconds: trying again that soon is safe.
        call = Call("POST", "/api/v1/users/auth/refresh", json={"refresh_token": refresh_token}, safe=True, login=False)

        async def once(_: str | None) -> Session:
            async with self._answer(call, None) as response:
                return Session.model_validate_json(await response.aread())

        return await self._tried(call, once)

    @asynccontextmanager
    async def _answer(self, call: Call, token: str | None) -> AsyncIterator[httpx.Response]:
        """An answer that is no refusal, its body not read yet."""
        headers = call.headers | ({"Authorization": f"Bearer {token}"} if token else {})
        if call.upload is not None:
            headers |= call.upload.headers
        request = self._http.build_request(
            call.method,
            call.path,
            params=call.params,
            json=call.json,
            content=call.upload.chunks() if call.upload else None,
            headers=headers,
            timeout=httpx.Timeout(READ_SECONDS, connect=10, read=call.read_seconds),
        )
        try:
            # A photo may lie in an object store; the token does not go with the request there.
            response = await self._http.send(request, stream=True, follow_redirects=call.method == "GET")
            try:
                if response.status_code >= 300:
                    await response.aread()
                    raise error_of(response)
                yield response
            finally:
                await response.aclose()
        except httpx.TransportError as error:
            sent = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.UnsupportedProtocol)
            raise ConnectionFailed(f"{_origin(request)}: {error or type(error).__name__}", sent=sent) from error


def wait_seconds(error: IgemojiError, call: Call, number: int, options: Options) -> float | None:
    """How long to wait before a call is made again after it failed for the `number`th time; None: it is not."""
    if number >= options.tries or not _may_be_repeated(error, call):
        return None
    told = error.retry_after if isinstance(error, ApiError) else None
    if told is not None:
        return told
    longest = min(options.backoff_seconds * 2.0 ** (number - 1), options.longest_backoff_seconds)
    return longest * (0.5 + random.random() / 2)  # noqa: S311 - so that many clients do not come back at once


def _may_be_repeated(error: IgemojiError, call: Call) -> bool:
    if isinstance(error, TooManyRequests):  # refused before anything was done
        return error.retry_after is not None
    if isinstance(error, ConnectionFailed):
        return call.safe or not error.sent
    if isinstance(error, ServerTrouble):
        return call.safe and error.passing
    return call.safe and isinstance(error, ApiError) and error.reason == _UNDER_WAY


def http_client(url: str, ca_file: Path | None, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """
    Args:
        url: Of the gateway.
        ca_file: PEM certificates of the authorities that are trusted, instead of the system's.
        transport: Stands in for the network.
    """
    context = ssl.create_default_context(cafile=ca_file) if ca_file is not None else True
    return httpx.AsyncClient(
        base_url=url,
        verify=context,
        transport=transport,
        headers={"User-Agent": f"igemoji-client/{version('igemoji-client')}"},
        follow_redirects=False,
    )


def _origin(request: httpx.Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc.decode()}"
