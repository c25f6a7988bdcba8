"""What an operator does by command, on the service's own database: `igemoji-auth COMMAND`.

They need the settings of the service, of which DATABASE_URL or DATA_DIR matter, and PUBLIC_URL for links.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from igemoji_auth.adapters.db.accounts import find_account, set_role
from igemoji_auth.adapters.db.password_resets import SqlResets
from igemoji_auth.adapters.db.signing_keys import SqlKeys
from igemoji_auth.adapters.db.tables import users
from igemoji_auth.domain.model import OPERATOR_ROLE, USER_ROLE, RotationUnderWay, unique_key
from igemoji_auth.entrypoints.settings import CommandSettings
from igemoji_auth.usecases.password_resets import new_link
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.errors import StartError
from igemoji_mesh.settings import load_settings


def operate(arguments: Sequence[str]) -> None:
    """Runs one command. Exits with one sentence where it can't be done."""
    chosen = _parser().parse_args(arguments)
    try:
        settings = load_settings(CommandSettings)
        url = settings.database("auth")
        migrate(url, "igemoji_auth")
        sys.stdout.write(asyncio.run(_run(chosen, settings, url)) + "\n")
    except (StartError, CannotDo) as error:
        sys.exit(str(error))


class CannotDo(Exception):
    """A sentence for the operator."""


async def _run(chosen: argparse.Namespace, settings: CommandSettings, url: str) -> str:
    database = Database(url)
    try:
        answer: str = await chosen.run(chosen, settings, database)
    finally:
        await database.close()
    return answer


async def _rotate_keys(_: argparse.Namespace, settings: CommandSettings, database: Database) -> str:
    now = utc_now()
    keys = SqlKeys(database, settings.access_token_seconds)
    await keys.ensure_one(now)
    try:
        signs_from = await keys.rotate(now)
    except RotationUnderWay as rotation:
        raise CannotDo(f"There are two keys already. The older one goes at {rotation.until:%F %T} UTC.") from None
    return f"The new key is published now and signs from {signs_from:%F %T} UTC; then the old one expires by itself."


async def _make_operator(chosen: argparse.Namespace, _: CommandSettings, database: Database) -> str:
    return await _change_role(chosen.email, OPERATOR_ROLE, database)


async def _revoke_operator(chosen: argparse.Namespace, _: CommandSettings, database: Database) -> str:
    return await _change_role(chosen.email, USER_ROLE, database)


async def _change_role(email: str, role: str, database: Database) -> str:
    if not await database.write(lambda connection: set_role(connection, email, role)):
        raise CannotDo(f"There is no account with the address {email}.")
    return f"{email} has the role {role}: in tokens from the next login or refresh on."


async def _reset_password(chosen: argparse.Namespace, settings: CommandSettings, database: Database) -> str:
    key = unique_key(chosen.email)
    account = await database.read(lambda connection: find_account(connection, users.c.email_key == key))
    if account is None:
        raise CannotDo(f"There is no account with the address {chosen.email}.")
    return await new_link(SqlResets(database), account, settings.public_url, utc_now())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="igemoji-auth", description="Without a command: serves.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    rotate = commands.add_parser("rotate-keys", help="publish a new signing key, which takes over in ten minutes")
    rotate.set_defaults(run=_rotate_keys)
    for name, run, what in (
        ("make-operator", _make_operator, "let an account decide what others may see"),
        ("revoke-operator", _revoke_operator, "make an operator a user again"),
        ("reset-password", _reset_password, "print a link by which another password can be chosen, once"),
    ):
        command = commands.add_parser(name, help=what)
        command.add_argument("email", metavar="EMAIL")
        command.set_defaults(run=run)
    return parser
