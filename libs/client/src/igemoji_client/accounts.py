"""Accounts, the session, and my page."""

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Literal

from igemoji_client.errors import DeadlineExceeded
from igemoji_client.files import written
from igemoji_client.models import Deletion, Json, Result, Session, Template, User
from igemoji_client.transport import Call, Transport, creating, get

USERS = "/api/v1/users"
POLL_SECONDS = 0.5


class AsyncAccounts:
    """What a person does with an account."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def register(self, email: str, password: str, alias: str, *, idempotency_key: str | None = None) -> User:
        """Makes an account; a guest's becomes it, with all that the guest made. Log in after that.

        Raises Conflict that names what is taken, InvalidRequest.
        """
        account: Json = {"email": email, "password": password, "alias": alias}
        return User.model_validate(await self._transport.json(creating(USERS, account, idempotency_key)))

    async def log_in(self, email: str, password: str) -> Session:
        """From now on calls are made as this user. Raises NotAuthenticated, TooManyRequests."""
        return await self._begin(f"{USERS}/auth", {"email": email, "password": password})

    async def start_guest(self) -> Session:
        """From now on calls are made as a guest, who is there for a day."""
        return await self._begin(f"{USERS}/guest", {})

    async def log_out(self) -> None:
        """Ends the login here and at the server."""
        session = self._transport.login.session
        if session is not None and session.refresh_token:
            token: Json = {"refresh_token": session.refresh_token}
            await self._transport.json(Call("POST", f"{USERS}/auth/logout", json=token, safe=True, login=False))
        self._transport.login.set(None)

    async def is_available(self, case: Literal["email", "alias"], value: str) -> bool:
        """Whether an address or a name is still free."""
        return bool((await self._transport.json(get(USERS, case=case, value=value)))["available"])

    async def me(self) -> User:
        return User.model_validate(await self._transport.json(get(f"{USERS}/me")))

    async def rename(self, alias: str) -> User:
        """Raises Conflict where the name is taken."""
        return User.model_validate(await self._transport.json(Call("PATCH", f"{USERS}/me", json={"alias": alias})))

    async def change_password(self, current: str, new: str) -> Session:
        """Ends every other login. Raises NotAuthenticated, InvalidRequest."""
        passwords: Json = {"current_password": current, "new_password": new, "refresh_token_in_body": True}
        told = await self._transport.json(Call("PUT", f"{USERS}/me/password", json=passwords))
        return self._logged_in(told)

    async def request_password_reset(self, email: str) -> None:
        """Has a link sent, if there is such an account; nobody is told whether there is."""
        await self._transport.json(creating(f"{USERS}/password-reset", {"email": email}, None))

    async def confirm_password_reset(self, token: str, new_password: str) -> None:
        """Raises InvalidRequest."""
        told: Json = {"token": token, "new_password": new_password}
        await self._transport.json(Call("POST", f"{USERS}/password-reset/confirm", json=told, login=False))

    async def export(self, path: Path) -> None:
        """Writes a ZIP of all that is mine."""
        with written(path) as file:
            await self._transport.download(get(f"{USERS}/me/export"), file)

    async def delete(self) -> Deletion:
        """Deletes the account, and then everywhere all that is mine; `deletion` tells how far that is."""
        deletion = Deletion.model_validate(await self._transport.json(Call("DELETE", f"{USERS}/me")))
        self._transport.login.set(None)
        return deletion

    async def deletion(self, deletion_id: str) -> Deletion:
        return Deletion.model_validate(await self._transport.json(get(f"{USERS}/deletions/{deletion_id}")))

    async def wait_deleted(self, deletion_id: str, *, timeout_seconds: float = 60.0) -> Deletion:
        """Until nothing is left. Raises DeadlineExceeded: a service that is down reports when it is back."""
        ends = time.monotonic() + timeout_seconds
        while True:
            deletion = await self.deletion(deletion_id)
            if deletion.complete:
                return deletion
            if time.monotonic() >= ends:
                raise DeadlineExceeded(f"Not all was deleted after {timeout_seconds:g} s.")
            await asyncio.sleep(POLL_SECONDS)

    async def results(self) -> AsyncGenerator[Result, None]:
        """The finished photos on my page, newest first."""
        async for told in self._my_page("result", "results"):
            yield Result.model_validate(told)

    async def uploads(self) -> AsyncGenerator[Template, None]:
        """The templates on my page, newest first."""
        async for told in self._my_page("upload", "emojis"):
            yield Template.model_validate(told)

    async def _my_page(self, case: str, items: str) -> AsyncGenerator[Json, None]:
        token = ""
        while True:
            page = await self._transport.json(get(f"{USERS}/mypage/{case}", page_token=token))
            for told in page[items]:
                yield told
            token = page["next_page_token"]
            if not token:
                return

    async def _begin(self, path: str, account: Json) -> Session:
        call = Call("POST", path, json=account | {"refresh_token_in_body": True}, login=False)
        return self._logged_in(await self._transport.json(call))

    def _logged_in(self, told: Json) -> Session:
        session = Session.model_validate(told)
        self._transport.login.set(session)
        return session
