"""Accounts, the session, and my page."""

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Literal

from igemoji_client.errors import DeadlineExceeded
from igemoji_client.files import written
from igemoji_client.models import Deletion, Json, Result, Session, Template, User
from igemoji_client.transport import Call, CallGroup, creating, get

USERS = "/api/v1/users"
POLL_SECONDS = 0.5


class AsyncAccounts(CallGroup):
    """Accounts, logins and my page."""

    async def register(self, email: str, password: str, alias: str, *, idempotency_key: str | None = None) -> User:
        """Register an account; a guest keeps what it made. Log in afterwards.

        Raises Conflict, which names what is taken, and InvalidRequest.
        """
        account: Json = {"email": email, "password": password, "alias": alias}
        return await self._transport.model(User, creating(USERS, account, idempotency_key))

    async def log_in(self, email: str, password: str) -> Session:
        """Log in; later calls are made as this user. Raises NotAuthenticated, TooManyRequests."""
        return await self._begin(f"{USERS}/auth", {"email": email, "password": password})

    async def start_guest(self) -> Session:
        """Log in as a new guest, whose account lasts a day."""
        return await self._begin(f"{USERS}/guest", {})

    async def log_out(self) -> None:
        """End the login, here and on the server."""
        session = self._transport.login.session
        if session is not None and session.refresh_token:
            token: Json = {"refresh_token": session.refresh_token}
            await self._transport.json(Call("POST", f"{USERS}/auth/logout", json=token, safe=True, login=False))
        self._transport.login.set(None)

    async def is_available(self, case: Literal["email", "alias"], value: str) -> bool:
        """Return whether an e-mail address or an alias is free."""
        return bool((await self._transport.json(get(USERS, case=case, value=value)))["available"])

    async def me(self) -> User:
        """Return the account that is logged in."""
        return await self._transport.model(User, get(f"{USERS}/me"))

    async def rename(self, alias: str) -> User:
        """Change the alias. Raises Conflict if it is taken."""
        return await self._transport.model(User, Call("PATCH", f"{USERS}/me", json={"alias": alias}))

    async def change_password(self, current: str, new: str) -> Session:
        """Change the password and end every other login. Raises NotAuthenticated, InvalidRequest."""
        passwords: Json = {"current_password": current, "new_password": new, "refresh_token_in_body": True}
        return await self._log_in(Call("PUT", f"{USERS}/me/password", json=passwords))

    async def request_password_reset(self, email: str) -> None:
        """Request a reset link by mail. The answer does not reveal whether the account exists."""
        await self._transport.json(creating(f"{USERS}/password-reset", {"email": email}, None))

    async def confirm_password_reset(self, token: str, new_password: str) -> None:
        """Choose a new password with the token of a reset link. Raises InvalidRequest."""
        fields: Json = {"token": token, "new_password": new_password}
        await self._transport.json(Call("POST", f"{USERS}/password-reset/confirm", json=fields, login=False))

    async def export(self, path: Path) -> None:
        """Write a ZIP of all data of the account to a file."""
        with written(path) as file:
            await self._transport.download(get(f"{USERS}/me/export"), file)

    async def delete(self) -> Deletion:
        """Delete the account and all its data; `deletion` returns the progress."""
        deletion = await self._transport.model(Deletion, Call("DELETE", f"{USERS}/me"))
        self._transport.login.set(None)
        return deletion

    async def deletion(self, deletion_id: str) -> Deletion:
        """Return the progress of a deletion; it needs no login."""
        return await self._transport.model(Deletion, get(f"{USERS}/deletions/{deletion_id}"))

    async def wait_deleted(self, deletion_id: str, *, timeout_seconds: float = 60.0) -> Deletion:
        """Wait until all data is deleted. Raises DeadlineExceeded; a service that is down deletes when it is back."""
        ends = time.monotonic() + timeout_seconds
        while True:
            deletion = await self.deletion(deletion_id)
            if deletion.complete:
                return deletion
            if time.monotonic() >= ends:
                raise DeadlineExceeded(f"Not all was deleted after {timeout_seconds:g} s.")
            await asyncio.sleep(POLL_SECONDS)

    def results(self) -> AsyncGenerator[Result, None]:
        """Iterate over the finished photos on my page, newest first."""
        return self._transport.items(Result, f"{USERS}/mypage/result", "results")

    def uploads(self) -> AsyncGenerator[Template, None]:
        """Iterate over the templates on my page, newest first."""
        return self._transport.items(Template, f"{USERS}/mypage/upload", "emojis")

    async def _begin(self, path: str, account: Json) -> Session:
        return await self._log_in(Call("POST", path, json=account | {"refresh_token_in_body": True}, login=False))

    async def _log_in(self, call: Call) -> Session:
        session = await self._transport.model(Session, call)
        self._transport.login.set(session)
        return session
