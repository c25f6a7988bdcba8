"""Passwords that were forgotten: a link by mail, or from an operator, by which another can be chosen."""

import asyncio
import datetime
from collections.abc import Callable
from typing import Protocol

from igemoji_auth.domain.model import Account, ResetTokenRefused, check_password, digest, new_secret, unique_key
from igemoji_auth.usecases.accounts import AccountStore, Passwords
from igemoji_auth.usecases.throttle import CONFIRM_FROM_ADDRESS, RESET_FROM_ADDRESS, RESET_OF_ACCOUNT, Throttle
from igemoji_mesh.observability.logging import log
from igemoji_mesh.observability.metrics import counter

MAILS = counter("igemoji_mails_total")

WAITING = 100
"""Mails that wait to be sent; a request beyond them is dropped, and can be made again."""


class ResetStore(Protocol):
    async def add(self, token_hash: str, account_id: str, now: datetime.datetime) -> None: ...

    async def account(self, token_hash: str, now: datetime.datetime) -> Account | None:
        """Whose password may be reset with a token."""

    async def use(self, token_hash: str, password_hash: str, now: datetime.datetime) -> bool:
        """Stores the password and ends every login; False where the token counts no more."""


class Mailer(Protocol):
    async def send_reset(self, to: str, alias: str, link: str) -> None: ...


class PasswordResets:
    def __init__(
        self,
        store: ResetStore,
        accounts: AccountStore,
        passwords: Passwords,
        throttle: Throttle,
        mailer: Mailer | None,
        *,
        public_url: str,
        now: Callable[[], datetime.datetime],
    ) -> None:
        """Without a mailer nothing is sent: an operator makes the link."""
        self._store = store
        self._accounts = accounts
        self._passwords = passwords
        self._throttle = throttle
        self._mailer = mailer
        self._public_url = public_url
        self._now = now
        self._asked_for: asyncio.Queue[str] = asyncio.Queue(WAITING)

    async def request(self, email: str, address: str) -> None:
        """Takes note, and nothing else, so that the answer and its time tell nothing. Raises TooManyTries."""
        await self._throttle.count(RESET_FROM_ADDRESS, address)
        await self._throttle.begin(RESET_OF_ACCOUNT, unique_key(email))
        if self._mailer is None:
            log.warning("a password reset was asked for, and SMTP_URL is not set: see igemoji-auth reset-password")
        elif self._asked_for.full():
            log.error("password reset dropped: too many mails wait")
        else:
            self._asked_for.put_nowait(email)

    async def send_for_ever(self) -> None:
        """Mails the links that were asked for."""
        while self._mailer is not None:
            await self._send(self._mailer, await self._asked_for.get())

    async def confirm(self, token: str, password: str, address: str) -> None:
        """Every login of the account is over. Raises ResetTokenRefused, PasswordTooCommon, TooManyTries."""
        await self._throttle.count(CONFIRM_FROM_ADDRESS, address)
        account = await self._store.account(digest(token), self._now())
        if account is None:
            raise ResetTokenRefused
        check_password(password, account.email or "", account.alias, self._passwords.common, "new_password")
        password_hash = await self._passwords.hash(password)
        if not await self._store.use(digest(token), password_hash, self._now()):
            raise ResetTokenRefused

    async def _send(self, mailer: Mailer, email: str) -> None:
        account = await self._accounts.by_email_key(unique_key(email))
        if account is None:
            return
        link = await new_link(self._store, account, self._public_url, self._now())
        try:
            await mailer.send_reset(account.email or "", account.alias, link)
        except Exception as error:
            MAILS.labels("failed").inc()
            # Not in the server's words, which name the address.
            log.error("a mail was not sent", error=type(error).__name__, code=getattr(error, "smtp_code", None))
        else:
            MAILS.labels("sent").inc()


async def new_link(store: ResetStore, account: Account, public_url: str, now: datetime.datetime) -> str:
    """A link that counts once, and for RESET_LIFETIME."""
    token = new_secret()
    await store.add(digest(token), account.id, now)
    # Behind the #, which browsers send to nobody: it is in no log and in no Referer.
    return f"{public_url.rstrip('/')}/reset-password#token={token}"
