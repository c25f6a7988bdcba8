"""Mail by SMTP, sent in a thread."""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

TIMEOUT_SECONDS = 20

RESET_TEXT = """\
{alias},

비밀번호를 재설정하려면 30분 안에 아래 링크를 여세요. 요청하지 않았다면 이 메일을 무시하세요.
To reset your password, open this link within 30 minutes. If you did not request this, ignore this mail.

{link}
"""


class SmtpMailer:
    """Sends mails through an SMTP server."""

    def __init__(self, url: str, sender: str) -> None:
        """Parse the settings.

        Args:
            url: `smtp://user:password@host:port` (STARTTLS if the server supports it) or `smtps://…`.
            sender: Value of the From header.
        """
        self._url = urlsplit(url)
        self._sender = sender

    async def send_reset(self, to: str, alias: str, link: str) -> None:
        """Send the link of a password reset. Raises smtplib.SMTPException or OSError."""
        message = EmailMessage()
        message["From"], message["To"] = self._sender, to
        message["Subject"] = "IGE MOJI: 비밀번호 재설정 / password reset"
        message.set_content(RESET_TEXT.format(alias=alias, link=link), cte="quoted-printable")
        await asyncio.to_thread(self._send, message)

    def _send(self, message: EmailMessage) -> None:
        with self._connect() as server:
            if self._url.username:
                server.login(unquote(self._url.username), unquote(self._url.password or ""))
            server.send_message(message)

    def _connect(self) -> smtplib.SMTP:
        host = self._url.hostname or ""
        context = ssl.create_default_context()
        if self._url.scheme == "smtps":
            return smtplib.SMTP_SSL(host, self._url.port or 465, timeout=TIMEOUT_SECONDS, context=context)
        server = smtplib.SMTP(host, self._url.port or 587, timeout=TIMEOUT_SECONDS)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=context)
        elif self._url.username:
            server.close()
            raise smtplib.SMTPNotSupportedError("the server does not support STARTTLS: the password would be readable")
        return server
