"""Starts the auth service."""

import asyncio
import datetime
import os
import sys
from collections.abc import Callable
from functools import partial

from igemoji.auth.v1 import auth_pb2_grpc
from igemoji_auth.adapters.clients.deliveries import outbox_to_peers
from igemoji_auth.adapters.db.accounts import SqlAccounts
from igemoji_auth.adapters.db.attempts import SqlTries
from igemoji_auth.adapters.db.deletions import SqlDeletions
from igemoji_auth.adapters.db.password_resets import SqlResets
from igemoji_auth.adapters.db.refresh_tokens import SqlRefreshTokens
from igemoji_auth.adapters.db.signing_keys import SqlKeys
from igemoji_auth.adapters.db.tables import idempotency_keys
from igemoji_auth.adapters.mail.smtp import SmtpMailer
from igemoji_auth.adapters.passwords import BcryptPasswords
from igemoji_auth.entrypoints.cli import operate
from igemoji_auth.entrypoints.rpc import AuthServicer
from igemoji_auth.entrypoints.settings import Settings
from igemoji_auth.usecases.accounts import Accounts
from igemoji_auth.usecases.deletion import Deletions
from igemoji_auth.usecases.export import Export
from igemoji_auth.usecases.my_page import MyPage
from igemoji_auth.usecases.password_resets import PasswordResets
from igemoji_auth.usecases.retention import sweep_for_ever
from igemoji_auth.usecases.sessions import Sessions
from igemoji_auth.usecases.throttle import Throttle
from igemoji_mesh.auth.tokens import TokenVerifier
from igemoji_mesh.clients.channels import Channels
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.idempotency.keys import IdempotencyKeys
from igemoji_mesh.server import MeshServer, run_service

NAME = "auth"


async def compose(
    settings: Settings,
    verifier: TokenVerifier | None = None,
    now: Callable[[], datetime.datetime] = utc_now,
) -> MeshServer:
    """Builds the service; `verifier` and `now` are for tests. Raises StartError."""
    url = settings.database(NAME)
    await asyncio.to_thread(migrate, url, "igemoji_auth")
    database = Database(url)
    keys = SqlKeys(database, settings.access_token_seconds)
    await keys.ensure_one(now())
    passwords = BcryptPasswords(settings.bcrypt_cost, settings.password_threads)
    channels = Channels(settings)
    outbox = outbox_to_peers(database, channels, now)
    store = SqlAccounts(database, outbox)
    deletions = SqlDeletions(database, outbox)
    refresh_tokens = SqlRefreshTokens(database)
    throttle = Throttle(SqlTries(database), now, settings.address_factor)
    accounts = Accounts(store, passwords, throttle, now=now)
    sessions = Sessions(
        store,
        throttle,
        refresh_tokens,
        keys,
        passwords,
        access_token_seconds=settings.access_token_seconds,
        now=now,
    )
    reset_tokens = SqlResets(database)
    mailer = SmtpMailer(settings.smtp_url, settings.smtp_from) if settings.smtp_url else None
    resets = PasswordResets(reset_tokens, store, passwords, throttle, mailer, public_url=settings.public_url, now=now)
    peers = (channels.to("inference"), channels.to("emoji-catalog"))
    servicer = AuthServicer(accounts, sessions, resets, Deletions(deletions, now), MyPage(*peers), Export(*peers))
    server = MeshServer(
        NAME,
        settings,
        {"igemoji.auth.v1.AuthService": partial(auth_pb2_grpc.add_AuthServiceServicer_to_server, servicer)},
        verifier or TokenVerifier(sessions.public_keys),
        {"database": database.check},
        IdempotencyKeys(database, idempotency_keys, now),
    )
    stores = (refresh_tokens, reset_tokens, deletions)
    sweeps = [*(store.remove_expired for store in stores), keys.remove_retired]
    server.background(partial(sweep_for_ever, database, sweeps, now))
    server.background(resets.send_for_ever)
    server.background(outbox.run)
    server.on_close(database.close)
    server.on_close(passwords.close)
    server.on_close(channels.close)
    return server


def main() -> None:
    os.umask(0o077)  # a database file of this service holds private keys and password hashes
    if sys.argv[1:]:
        operate(sys.argv[1:])
    else:
        run_service(NAME, Settings, compose)


if __name__ == "__main__":
    main()
