"""Operator's command, on the service's own database: `igemoji-emoji-catalog COMMAND`.

It reads the settings of the service for the database and the object store. Notifications of the ranking are put into
the outbox; a running service delivers them, or the next one that starts.
"""

import argparse
import contextlib
import sys
from collections.abc import AsyncIterator, Sequence
from functools import partial

from igemoji_emoji_catalog.adapters.db.emojis import FORGET_EMOJI, SET_EMOJI_SHOWN, EmojiStore
from igemoji_emoji_catalog.adapters.db.tables import outbox
from igemoji_emoji_catalog.adapters.objects.audit import check_objects
from igemoji_emoji_catalog.domain.model import Position, ReportedEmoji
from igemoji_emoji_catalog.usecases.catalog import decide
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.outbox import OutboxWriter
from igemoji_mesh.objects.factory import object_store
from igemoji_mesh.operator_command import run_command
from igemoji_mesh.settings import StorageSettings

BATCH = 100
DONE = {"hide": "is hidden", "restore": "is shown again", "delete": "is deleted"}


def operate(arguments: Sequence[str]) -> None:
    """Run a command. Exit with one sentence if it can't be done."""
    chosen = _parser().parse_args(arguments)
    if not run_command("emoji-catalog", "igemoji_emoji_catalog", StorageSettings, partial(_run, chosen)):
        sys.exit(1)


async def _run(chosen: argparse.Namespace, settings: StorageSettings, database: Database) -> bool:
    """Return False if objects are missing or damaged."""
    store = EmojiStore(database, OutboxWriter(outbox, (FORGET_EMOJI, SET_EMOJI_SHOWN)), lambda: None)
    if chosen.command == "check-objects":
        objects = object_store(settings.objects("emoji-catalog"), settings.object_store_credentials)
        with contextlib.closing(objects):
            return await check_objects(database, objects, remove_orphans=chosen.remove_orphans)
    if chosen.command == "reports":
        async for reported in _reports(store, chosen.decided):
            sys.stdout.write(_line(reported) + "\n")
    else:
        await decide(store, chosen.id.lower(), chosen.command)
        sys.stdout.write(f"{chosen.id} {DONE[chosen.command]}.\n")
    return True


async def _reports(store: EmojiStore, decided: bool) -> AsyncIterator[ReportedEmoji]:
    after: Position | None = None
    while found := await store.reported(decided, after, BATCH):
        for reported in found:
            yield reported
        after = Position(found[-1].waiting_since, found[-1].emoji.id)


def _line(reported: ReportedEmoji) -> str:
    """Return a line: id, waiting since, number of reports, reasons, name."""
    reasons = ", ".join(dict.fromkeys(report.reason for report in reported.reports))
    hidden = "  (hidden)" if reported.emoji.hidden else ""
    emoji = reported.emoji
    return f"{emoji.id}  {reported.waiting_since:%F %T}  {reported.total}  {reasons}  {emoji.name}{hidden}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="igemoji-emoji-catalog", description="Without a command, run the service.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    reports = commands.add_parser("reports", help="list reported templates, the longest waiting first")
    reports.add_argument("--decided", action="store_true", help="list decided ones instead")
    check = commands.add_parser("check-objects", help="verify the stored pictures and find orphans")
    check.add_argument("--remove-orphans", action="store_true", help="have the service delete orphans")
    for name, what in (
        ("hide", "hide a template from everyone except its maker and operators"),
        ("restore", "show a hidden template again"),
        ("delete", "delete a template permanently"),
    ):
        commands.add_parser(name, help=what).add_argument("id", metavar="ID")
    return parser
