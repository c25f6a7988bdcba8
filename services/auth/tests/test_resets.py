"""Password resets by mail."""

import asyncio
import contextlib
import email
import email.policy
import re
from collections.abc import AsyncIterator
from email.message import EmailMessage
from functools import partial
from typing import Any

import grpc
import pytest
import sqlalchemy as sa

from igemoji.auth.v1 import auth_pb2 as pb
from igemoji_auth.adapters.mail.smtp import SmtpMailer
from igemoji_auth.entrypoints.settings import Settings
from igemoji_auth.entrypoints.wiring import compose
from igemoji_mesh.db.database import create_engine
from igemoji_mesh.errors import StartError
from igemoji_mesh.settings import load_settings
from igemoji_mesh.testing.mesh import TestMesh, error_reason, running, violated_fields

from .client import PASSWORD, Auth, Clock, refusal

EMAIL = "minji@example.org"
NEW = "another-passphrase"


class MailServer:
    """Minimal SMTP server (RFC 5321)."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refusing = False
        self.url = ""
        self.open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        with contextlib.suppress(ConnectionError):  # clients may close after QUIT
            await self._receive(reader, writer)
        self.open -= 1

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).strip().upper():
            if line == b"DATA":
                writer.write(b"354 go on\r\n")
                data = await reader.readuntil(b"\r\n.\r\n")
                self.mails.append(email.message_from_bytes(data[:-5], policy=email.policy.default))
            refused = self.refusing and line.startswith(b"MAIL")
            writer.write({b"QUIT": b"221 bye\r\n"}.get(line, b"550 no\r\n" if refused else b"250 fine\r\n"))
        writer.close()
        await writer.wait_closed()

    async def mail(self, number: int = 0) -> EmailMessage:
        async with asyncio.timeout(5):
            while len(self.mails) <= number:
                await asyncio.sleep(0.01)
        return self.mails[number]

    async def token(self, number: int = 0) -> str:
        found = re.search(r"https://emoji\.example/reset-password#token=(\S+)", (await self.mail(number)).get_content())
        assert found
        return found[1]


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    mails = MailServer()
    async with await asyncio.start_server(mails.serve, "127.0.0.1", 0) as server:
        mails.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield mails
        async with asyncio.timeout(5):
            while mails.open:
                await asyncio.sleep(0.01)


@pytest.fixture
async def auth(mesh: TestMesh, make_settings: Any, clock: Clock, mail_server: MailServer) -> AsyncIterator[Auth]:
    settings = make_settings(smtp_url=mail_server.url, public_url="https://emoji.example/")
    async with running(partial(compose, now=clock), settings) as server:
        yield Auth(mesh, server)


async def ask(auth: Auth, address: str = EMAIL) -> Any:
    call = auth.stub.RequestPasswordReset(pb.RequestPasswordResetRequest(email=address))
    return await call, tuple(await call.initial_metadata() or ()), tuple(await call.trailing_metadata() or ())


async def confirm(auth: Auth, token: str, password: str = NEW) -> None:
    await auth.stub.ConfirmPasswordReset(pb.ConfirmPasswordResetRequest(token=token, new_password=password))


async def is_refused(call: Any) -> bool:
    error = await refusal(call)
    assert violated_fields(error) == ["token"]
    return (error.code(), error_reason(error)) == (grpc.StatusCode.INVALID_ARGUMENT, "RESET_TOKEN_REFUSED")


async def test_password_is_reset_by_a_mailed_link(auth, mail_server):
    await auth.register(email=EMAIL, alias="민지")
    session = await auth.login_with_token(EMAIL)
    await ask(auth, EMAIL.upper())
    mail = await mail_server.mail()
    assert (mail["To"], "민지" in mail.get_content()) == (EMAIL, True)
    await confirm(auth, await mail_server.token())
    assert (await auth.login(EMAIL, NEW)).user == session.user
    assert error_reason(await refusal(auth.login(EMAIL, PASSWORD))) == "WRONG_CREDENTIALS"
    assert error_reason(await refusal(auth.refresh(session.refresh_token))) == "REFRESH_TOKEN_REFUSED"


async def test_reset_request_answers_the_same_for_any_address(auth, mail_server):
    await auth.register(email=EMAIL)
    answers = [await ask(auth, address) for address in ("nobody@example.org", "no address", "igemoji", EMAIL)]
    assert answers == [answers[0]] * 4
    await mail_server.mail()
    await asyncio.sleep(0.05)
    assert [mail["To"] for mail in mail_server.mails] == [EMAIL]


async def test_used_reset_link_invalidates_all_links_of_the_account(auth, mail_server):
    await auth.register(email=EMAIL)
    for _ in range(2):
        await ask(auth)
    first, second = await mail_server.token(0), await mail_server.token(1)
    outcomes = await asyncio.gather(*(confirm(auth, first, f"{NEW}{n}") for n in range(4)), return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 1
    assert await is_refused(confirm(auth, first))
    assert await is_refused(confirm(auth, second))


@pytest.mark.parametrize(("seconds", "counts"), [(1799, True), (1800, False)])
async def test_reset_link_expires_after_half_an_hour(auth, mail_server, clock, seconds, counts):
    await auth.register(email=EMAIL)
    await ask(auth)
    token = await mail_server.token()
    clock.forward(seconds=seconds)
    assert counts or await is_refused(confirm(auth, token))
    if counts:
        await confirm(auth, token)


async def test_reset_link_survives_a_refused_password(auth, mail_server):
    await auth.register(email=EMAIL)
    await ask(auth)
    token = await mail_server.token()
    for wrong in ("short", "password1", EMAIL):
        assert violated_fields(await refusal(confirm(auth, token, wrong))) == ["new_password"]
    await confirm(auth, token)


async def test_forged_reset_link_is_refused_and_tokens_are_not_stored(auth, mail_server, database_url):
    await auth.register(email=EMAIL)
    await ask(auth)
    token = await mail_server.token()
    assert await is_refused(confirm(auth, token[:-1]))
    with create_engine(database_url).connect() as connection:
        assert token not in str(connection.execute(sa.text("SELECT * FROM password_resets")).all())


async def test_reset_requests_are_limited_for_known_and_unknown_accounts(auth, clock):
    await auth.register(email=EMAIL)
    for address in (EMAIL, "nobody@example.org"):
        for _ in range(3):
            await ask(auth, address)
        assert error_reason(await refusal(ask(auth, address))) == "TOO_MANY_TRIES"
    clock.forward(hours=1)
    await ask(auth)


async def test_failed_mail_does_not_block_the_next(auth, mail_server):
    await auth.register(email=EMAIL)
    mail_server.refusing = True
    await ask(auth)
    await asyncio.sleep(0.2)
    mail_server.refusing = False
    await ask(auth)
    assert (await mail_server.mail())["To"] == EMAIL


async def test_smtp_password_is_not_sent_without_tls(mail_server):
    mailer = SmtpMailer(mail_server.url.replace("//", "//me:secret@"), "a@example.org")
    with pytest.raises(OSError, match="STARTTLS"):
        await mailer.send_reset(EMAIL, "x", "y")


async def test_reset_request_without_smtp_answers_the_same(mesh, make_settings):
    async with running(compose, make_settings()) as server:
        auth = Auth(mesh, server)
        await auth.register(email=EMAIL)
        assert await ask(auth) == await ask(auth, "nobody@example.org")


@pytest.mark.parametrize("url", ["mail.example.org", "http://mail.example.org", "smtp://"])
def test_invalid_smtp_url_is_reported_at_start(mesh, monkeypatch, url):
    for name, file in (("TLS_CERT", "auth.crt"), ("TLS_KEY", "auth.key"), ("TLS_CA", "ca.crt")):
        monkeypatch.setenv(name, str(mesh.folder / file))
    monkeypatch.setenv("SMTP_URL", url)
    with pytest.raises(StartError, match=r"SMTP_URL: .*smtp://host:port"):
        load_settings(Settings)
