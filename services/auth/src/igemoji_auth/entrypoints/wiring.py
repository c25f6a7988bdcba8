"""Composition root: builds the adapters, the use cases and the server."""

import asyncio
from functools import partial

from igemoji.auth.v1 import auth_pb2_grpc
from igemoji_auth.adapters.clients.deliveries import create_outbox
from igemoji_auth.adapters.clients.emoji_catalog import EmojiCatalogClient
from igemoji_auth.adapters.clients.inference import InferenceClient
from igemoji_auth.adapters.db.accounts import SqlAccounts
from igemoji_auth.adapters.db.attempts import SqlAttempts
from igemoji_auth.adapters.db.deletions import SqlDeletions
from igemoji_auth.adapters.db.password_resets import SqlPasswordResets
from igemoji_auth.adapters.db.refresh_tokens import SqlRefreshTokens
from igemoji_auth.adapters.db.signing_keys import SqlSigningKeys
from igemoji_auth.adapters.db.tables import idempotency_keys
from igemoji_auth.adapters.mail.smtp import SmtpMailer
from igemoji_auth.adapters.passwords import BcryptPasswords
from igemoji_auth.entrypoints.rpc import SERVICE, AuthServicer
from igemoji_auth.entrypoints.settings import Settings
from igemoji_auth.usecases.accounts import Accounts
from igemoji_auth.usecases.export import Export
from igemoji_auth.usecases.password_resets import PasswordResets
from igemoji_auth.usecases.ports import Now
from igemoji_auth.usecases.sessions import Sessions
from igemoji_auth.usecases.throttle import Throttle
from igemoji_mesh.auth.tokens import TokenVerifier
from igemoji_mesh.clients.channels import Channels
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.db.sweeps import sweep_forever
from igemoji_mesh.idempotency.keys import IdempotencyKeys
from igemoji_mesh.server import MeshServer

NAME = "auth"
SWEEP_SECONDS = 60.0
"""Interval at which expired guests, tokens, keys and deletions are deleted."""


async def compose(settings: Settings, verifier: TokenVerifier | None = None, now: Now = utc_now) -> MeshServer:
    """Build the service; tests replace `verifier` and `now`. Raises StartError."""
    url = settings.database(NAME)
    await asyncio.to_thread(migrate, url, "igemoji_auth")
    database = Database(url)
    keys = SqlSigningKeys(database, settings.access_token_seconds)
    await keys.ensure_one(now())
    channels = Channels(settings)
    outbox = create_outbox(database, channels, now)
    accounts = SqlAccounts(database, outbox)
    deletions = SqlDeletions(database, outbox, now)
    refresh_tokens = SqlRefreshTokens(database)
    reset_tokens = SqlPasswordResets(database)
    passwords = BcryptPasswords(settings.bcrypt_cost, settings.password_threads)
    mailer = SmtpMailer(settings.smtp_url, settings.smtp_from) if settings.smtp_url else None
    throttle = Throttle(SqlAttempts(database), settings.address_factor, now)
    common = (accounts, passwords, throttle)
    sessions = Sessions(*common, refresh_tokens, keys, settings.access_token_seconds, now)
    resets = PasswordResets(*common, reset_tokens, mailer, settings.public_url, now)
    inference = InferenceClient(channels.to("inference"))
    emoji_catalog = EmojiCatalogClient(channels.to("emoji-catalog"))
    account_cases, export = Accounts(*common, now), Export(emoji_catalog, inference)
    servicer = AuthServicer(account_cases, sessions, resets, deletions, export, inference, emoji_catalog)
    servicers = {SERVICE: partial(auth_pb2_grpc.add_AuthServiceServicer_to_server, servicer)}
    verifier = verifier or TokenVerifier(sessions.public_keys)
    idempotency = IdempotencyKeys(database, idempotency_keys, now)
    server = MeshServer(NAME, settings, servicers, verifier, {"database": database.check}, idempotency)

    async def sweep() -> int:
        for store in (refresh_tokens, reset_tokens, deletions, keys):
            await store.remove_expired(now())
        return 0

    expire = partial(sweep_forever, database, "expired", sweep, batch=1, seconds=SWEEP_SECONDS)
    server.background(expire, resets.send_forever, outbox.run)
    server.on_close(database.close, passwords.close, channels.close)
    return server
