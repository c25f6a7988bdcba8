"""Calls over HTTP: login, retries and deadlines."""

import asyncio
import itertools
import random
import ssl
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, TypeVar

import httpx

from igemoji_client import errors
from igemoji_client.models import Json, Model, Session
from igemoji_client.uploads import Upload

T = TypeVar("T")
ModelT = TypeVar("ModelT", bound=Model)

RENEWED_BEFORE_SECONDS = 15
"""An access token is renewed this long before it expires, so that it is still valid when it arrives."""
READ_SECONDS = 60.0
_UNDER_WAY = "IDEMPOTENT_CALL_UNDER_WAY"


@dataclass(frozen=True)
class Options:
    """Deadlines and retries of a client."""

    deadline_seconds: float = 60.0
    """Maximum time of a call, with all its attempts and the waits between them."""
    tries: int = 4
    """Maximum attempts of a call that may be retried; 1 turns retries off."""
    backoff_seconds: float = 0.25
    """Wait before the second attempt; it doubles with each attempt, with jitter."""
    longest_backoff_seconds: float = 5.0
    """Maximum wait between two attempts."""


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
    """Whether it is idempotent, so that it may be retried."""
    login: bool = True
    """Whether it carries the access token."""
    read_seconds: float = READ_SECONDS
    """Maximum time without a byte from the server."""


def get(path: str, **params: str | int | bool) -> Call:
    """Return a GET call; empty parameters are left out."""
    return Call("GET", path, {key: value for key, value in params.items() if value}, safe=True)


def creating(path: str, json: Json, key: str | None, **params: str | int | bool) -> Call:
    """Return a POST call with an idempotency key, so that it may be retried. None: a new key."""
    return Call("POST", path, params, json, headers=key_header(key), safe=True)


def key_header(key: str | None) -> dict[str, str]:
    """Return the header `Idempotency-Key`."""
    return {"Idempotency-Key": key or str(uuid.uuid4())}


class Login:
    """The session of a client, renewed by one call at a time."""

    def __init__(self, session: Session | None, changed: Callable[[Session | None], None]) -> None:
        self._changed = changed
        self._lock = asyncio.Lock()
        self.session: Session | None = None
        """The current session."""
        self._renew_at = 0.0
        if session is not None:
            self._take(session, renew_at=0.0)  # its age is unknown

    def set(self, session: Session | None) -> None:
        """Replace the session."""
        if session is None:
            self.session = None
        else:
            self._take(session, time.monotonic() + session.expires_in - RENEWED_BEFORE_SECONDS)
        self._changed(session)

    async def token(self, refresh: Callable[[str], Awaitable[Session]]) -> str | None:
        """Return a valid access token, or None without a login."""
        session = self.session
        if session and session.refresh_token and time.monotonic() >= self._renew_at:
            await self.renew(session.access_token, refresh)
        return self.session.access_token if self.session else None

    async def renew(self, stale: str, refresh: Callable[[str], Awaitable[Session]]) -> bool:
        """Replace a stale access token; return False if that is impossible."""
        async with self._lock:
            session = self.session
            if session is None or not session.refresh_token:
                return False
            if session.access_token != stale:  # another call has renewed it
                return True
            try:
                renewed = await refresh(session.refresh_token)
            except errors.NotAuthenticated:
                if self.session is session:
                    self.set(None)
                return False
            if self.session is session:
                self.set(renewed)
            return True

    def _take(self, session: Session, renew_at: float) -> None:
        self.session, self._renew_at = session, renew_at


class Transport:
    """Makes calls with the access token, renews it, and retries what is idempotent."""

    def __init__(self, http: httpx.AsyncClient, login: Login, options: Options) -> None:
        self.login = login
        self.options = options
        self._http = http

    def with_options(self, options: Options) -> "Transport":
        """Return a transport with other options, over the same connections."""
        return Transport(self._http, self.login, options)

    async def send(self, call: Call) -> httpx.Response:
        """Make a call and return the response, read to its end. Raises ApiError, ConnectionFailed, DeadlineExceeded."""

        async def once(token: str | None) -> httpx.Response:
            async with self._answer(call, token) as response:
                await response.aread()
                return response

        return await self._within_deadline(self._tried(call, once))

    async def json(self, call: Call) -> Json:
        """Make a call and return the JSON object of the response. Raises as `send`."""
        response = await self.send(call)
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise errors.ServerTrouble(
                response.status_code, "The response is not a JSON object. Is this the address of IGE MOJI?"
            )
        return answer

    async def model(self, kind: type[ModelT], call: Call) -> ModelT:
        """Make a call and return the response as a model. Raises as `send`."""
        return kind.model_validate(await self.json(call))

    async def items(self, kind: type[ModelT], path: str, field: str, **params: str) -> AsyncGenerator[ModelT, None]:
        """Iterate over the items of a paged list, page by page."""
        token = ""
        while True:
            page = await self.json(get(path, **params, page_token=token))
            for item in page[field]:
                yield kind.model_validate(item)
            token = page["next_page_token"]
            if not token:
                return

    async def download(self, call: Call, file: BinaryIO) -> None:
        """Make a call and write the response to a file. Raises as `send`."""

        async def once(token: str | None) -> None:
            async with self._answer(call, token) as response:
                file.seek(0)
                file.truncate()
                async for chunk in response.aiter_bytes():
                    file.write(chunk)

        await self._within_deadline(self._tried(call, once))

    @asynccontextmanager
    async def stream(self, call: Call) -> AsyncIterator[httpx.Response]:
        """Make a call whose response is read as it arrives; repeated only if the token has expired."""
        async with AsyncExitStack() as stack:

            async def once(token: str | None) -> httpx.Response:
                return await stack.enter_async_context(self._answer(call, token))

            yield await self._logged_in(call, once)

    async def _within_deadline(self, work: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self.options.deadline_seconds):
                return await work
        except TimeoutError:
            raise errors.DeadlineExceeded(f"The call took longer than {self.options.deadline_seconds:g} s.") from None

    async def _tried(self, call: Call, once: Callable[[str | None], Awaitable[T]]) -> T:
        ends = time.monotonic() + self.options.deadline_seconds
        for number in itertools.count(1):
            try:
                return await self._logged_in(call, once)
            except errors.IgemojiError as error:
                wait = wait_seconds(error, call, number, self.options)
                if wait is None or time.monotonic() + wait >= ends:
                    raise
            await asyncio.sleep(wait)
        raise AssertionError  # unreachable: the count is infinite

    async def _logged_in(self, call: Call, once: Callable[[str | None], Awaitable[T]]) -> T:
        token = await self.login.token(self._refresh) if call.login else None
        try:
            return await once(token)
        except errors.NotAuthenticated:
            if token is None or not await self.login.renew(token, self._refresh):
                raise
        return await once(self.login.session.access_token if self.login.session else None)

    async def _refresh(self, refresh_token: str) -> Session:
        # A refresh token works once, but the server repeats its answer for ten seconds, so a quick retry is safe.
        call = Call("POST", "/api/v1/users/auth/refresh", json={"refresh_token": refresh_token}, safe=True, login=False)

        async def once(_: str | None) -> Session:
            async with self._answer(call, None) as response:
                return Session.model_validate_json(await response.aread())

        return await self._tried(call, once)

    @asynccontextmanager
    async def _answer(self, call: Call, token: str | None) -> AsyncIterator[httpx.Response]:
        """Yield a successful response whose body is not read yet. Raises ApiError, ConnectionFailed."""
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
            # A photo may be in an object store: httpx drops the token when it follows the redirect to another origin.
            response = await self._http.send(request, stream=True, follow_redirects=call.method == "GET")
            try:
                if response.status_code >= 300:
                    await response.aread()
                    raise errors.error_of(response)
                yield response
            finally:
                await response.aclose()
        except httpx.TransportError as error:
            sent = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.UnsupportedProtocol)
            raise errors.ConnectionFailed(f"{_origin(request)}: {error or type(error).__name__}", sent=sent) from error


class CallGroup:
    """A group of calls over one transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport


def wait_seconds(error: errors.IgemojiError, call: Call, number: int, options: Options) -> float | None:
    """Return the wait before the next attempt, after `number` attempts have failed; None: no retry."""
    if number >= options.tries or not _may_be_repeated(error, call):
        return None
    requested = error.retry_after if isinstance(error, errors.ApiError) else None
    if requested is not None:
        return requested
    longest = min(options.backoff_seconds * 2.0 ** (number - 1), options.longest_backoff_seconds)
    return longest * (0.5 + random.random() / 2)  # noqa: S311 - jitter, so that many clients do not retry at once


def _may_be_repeated(error: errors.IgemojiError, call: Call) -> bool:
    if isinstance(error, errors.TooManyRequests):  # refused before it had an effect
        return error.retry_after is not None
    if isinstance(error, errors.ConnectionFailed):
        return call.safe or not error.sent
    if isinstance(error, errors.ServerTrouble):
        return call.safe and error.transient
    return call.safe and isinstance(error, errors.ApiError) and error.reason == _UNDER_WAY


def http_client(url: str, ca_file: Path | None, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """Return an HTTP client for one address.

    Args:
        url: Address of the gateway.
        ca_file: PEM certificates of the trusted authorities, instead of the system's.
        transport: Replaces the network, for tests.
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
