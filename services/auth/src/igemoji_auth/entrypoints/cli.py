"""Operator's command on the service's database: `igemoji-auth COMMAND`.

It reads the settings of the service: DATABASE_URL or DATA_DIR, and PUBLIC_URL for links.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from igemoji_auth.adapters.db import accounts, password_resets, signing_keys, tables
from igemoji_auth.domain import errors, model
from igemoji_auth.entrypoints.settings import CommandSettings
from igemoji_auth.usecases.password_resets import new_link
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.operator_command import CommandFailed, run_command


def operate(arguments: Sequence[str]) -> None:
    """Run a command; exit with a sentence if it fails."""
    chosen = _parser().parse_args(arguments)
    answer: str = run_command("auth", "igemoji_auth", CommandSettings, partial(chosen.run, chosen))
    sys.stdout.write(answer + "\n")


async def _rotate_keys(_: argparse.Namespace, settings: CommandSettings, database: Database) -> str:
    now = utc_now()
    keys = signing_keys.SqlSigningKeys(database, settings.access_token_seconds)
    await keys.ensure_one(now)
    try:
        signs_from = await keys.rotate(now)
    except errors.RotationInProgress as rotation:
        text = f"There are two keys already. The older one is removed at {rotation.until:%F %T} UTC."
        raise CommandFailed(text) from None
    return f"The new key is published and signs from {signs_from:%F %T} UTC. The old key is removed automatically."


async def _change_role(chosen: argparse.Namespace, _: CommandSettings, database: Database) -> str:
    if not await database.write(lambda connection: accounts.set_role(connection, chosen.email, chosen.role)):
        raise _no_account(chosen.email)
    return f"{chosen.email} has the role {chosen.role} from the next login or refresh."


async def _reset_password(chosen: argparse.Namespace, settings: CommandSettings, database: Database) -> str:
    key = model.unique_key(chosen.email)
    account = await database.read(lambda connection: accounts.find_account(connection, tables.users.c.email_key == key))
    if account is None:
        raise _no_account(chosen.email)
    return await new_link(password_resets.SqlPasswordResets(database), account, settings.public_url, utc_now())


def _no_account(email: str) -> CommandFailed:
    return CommandFailed(f"There is no account with the address {email}.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="igemoji-auth", description="Without a command: run the service.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    rotate = commands.add_parser("rotate-keys", help="publish a new signing key, which signs after ten minutes")
    rotate.set_defaults(run=_rotate_keys)
    for name, defaults, summary in (
        ("make-operator", {"run": _change_role, "role": model.OPERATOR_ROLE}, "give an account the role operator"),
        ("revoke-operator", {"run": _change_role, "role": model.USER_ROLE}, "give an operator the role user"),
        ("reset-password", {"run": _reset_password}, "print a link that resets a password, once"),
    ):
        command = commands.add_parser(name, help=summary)
        command.add_argument("email", metavar="EMAIL")
        command.set_defaults(**defaults)
    return parser
