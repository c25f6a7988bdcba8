"""Settings of the auth service."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator

from igemoji_mesh.settings import ServiceSettings

PRODUCTION_BCRYPT_COST = 12


class Settings(ServiceSettings):
    """Settings of the service, from environment variables (upper case)."""

    access_token_seconds: int = Field(default=600, ge=1, le=86400)
    """Lifetime of an access token."""
    bcrypt_cost: int = Field(default=PRODUCTION_BCRYPT_COST, ge=4, le=16)
    """Binary logarithm of the bcrypt rounds. Less than 12 is for tests and refused in production."""
    password_threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    """Number of passwords that are hashed at a time. Default: one per core."""

    public_url: str = "http://127.0.0.1:8080"
    """Address of the web client; links in mails start with it."""
    smtp_url: str = ""
    """`smtp://user:password@host:587` or `smtps://…`. Empty: no mail is sent; operators create links by command."""
    smtp_from: str = "IGE MOJI <igemoji@localhost>"
    """Sender of mails."""
    address_factor: int = Field(default=1, ge=1)
    """Multiplies the limits per IP address, for networks in which many users share one."""

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
    """Settings of the operator's command, which needs no certificates: it uses the database only."""

    tls_cert: Path = Path()
    tls_key: Path = Path()
    tls_ca: Path = Path()
