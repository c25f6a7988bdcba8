"""What the auth service can be told."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator

from igemoji_mesh.settings import ServiceSettings

PRODUCTION_BCRYPT_COST = 12


class Settings(ServiceSettings):
    """What the auth service can be told, by environment variable (upper case)."""

    access_token_seconds: int = Field(default=600, ge=1, le=86400)
    """How long an access token is good for."""
    bcrypt_cost: int = Field(default=PRODUCTION_BCRYPT_COST, ge=4, le=16)
    """Each one more doubles the work of a login. Less than 12 is for tests: refused in production."""
    password_threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    """How many passwords are worked on at a time. Default: one a core."""

    public_url: str = "http://127.0.0.1:8080"
    """Where people open IGE MOJI; links in mails begin with it."""
    smtp_url: str = ""
    """`smtp://user:password@host:587` or `smtps://…`. Empty: no mail is sent, operators make links by command."""
    smtp_from: str = "IGE MOJI <igemoji@localhost>"
    """The sender of mails."""
    address_factor: int = Field(default=1, ge=1)
    """Multiplies what may be tried from one address, for where many people share one."""

    @field_validator("smtp_url")
    @classmethod
    def _is_a_mail_server(cls, url: str) -> str:
        if url and (urlsplit(url).scheme not in ("smtp", "smtps") or not urlsplit(url).hostname):
            raise ValueError("must be smtp://host:port or smtps://host:port")
        return url

    @field_validator("bcrypt_cost")
    @classmethod
    def _strong_in_production(cls, cost: int, info: ValidationInfo) -> int:
        if cost < PRODUCTION_BCRYPT_COST and info.data.get("environment") != "development":
            raise ValueError(f"must be at least {PRODUCTION_BCRYPT_COST} in production")
        return cost


class CommandSettings(Settings):
    """The same for the commands of operators, which talk to nobody but the database."""

    tls_cert: Path = Path()
    tls_key: Path = Path()
    tls_ca: Path = Path()
