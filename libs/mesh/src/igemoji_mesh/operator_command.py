"""Commands of operators, which work on a service's own database."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from igemoji_mesh.db.database import Database
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.errors import NotFound, StartError
from igemoji_mesh.settings import StorageSettings, load_settings

SettingsT = TypeVar("SettingsT", bound=StorageSettings)
T = TypeVar("T")


class CommandFailed(Exception):
    """A command can't be done; the message is a sentence for the operator."""


def run_command(
    service: str, package: str, kind: type[SettingsT], work: Callable[[SettingsT, Database], Awaitable[T]]
) -> T:
    """Run `work` on the migrated database of a service; exit with a sentence if it fails."""

    async def run() -> T:
        database = Database(url)
        try:
            return await work(settings, database)
        finally:
            await database.close()

    try:
        settings = load_settings(kind)
        url = settings.database(service)
        migrate(url, package)
        return asyncio.run(run())
    except (StartError, NotFound, CommandFailed) as error:
        sys.exit(str(error))
