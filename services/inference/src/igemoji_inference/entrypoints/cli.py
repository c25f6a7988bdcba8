"""The command `igemoji-inference`: serve, work on photos (`worker`) or audit objects (`check-objects`)."""

import argparse
import functools
import os
import sys
import tempfile
from collections.abc import Sequence

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


def main() -> None:
    """Run the command with the arguments of this process."""
    operate(sys.argv[1:])


def operate(given: Sequence[str]) -> None:
    """Run the command with the given arguments."""
    parser = argparse.ArgumentParser(prog="igemoji-inference", description="Photos in, emoji photos out.")
    commands = parser.add_subparsers(dest="command", metavar="worker | check-objects")
    worker = commands.add_parser("worker", help="work on photos from RabbitMQ instead of serving")
    worker.add_argument("--only-small", action="store_true", help="work on small photos only: they never wait long")
    check = commands.add_parser("check-objects", help="audit photos and results: damaged, missing, orphaned")
    check.add_argument("--remove-orphans", action="store_true", help="delete orphans that are older than an hour")
    arguments = parser.parse_args(given)
    if arguments.command == "worker":
        # Pool processes share their metrics; prometheus_client reads the variable when it is imported.
        with tempfile.TemporaryDirectory(prefix="igemoji-metrics-") as folder:
            os.environ.setdefault(MULTIPROCESS, folder)
            from igemoji_inference.entrypoints import celery_worker

            celery_worker.main(only_small=arguments.only_small)
    elif arguments.command == "check-objects":
        _check_objects(remove_orphans=arguments.remove_orphans)
    else:
        from igemoji_inference.entrypoints.main import main as serve

        serve()


def _check_objects(*, remove_orphans: bool) -> None:
    """Print the audit; exit with 1 if an object is damaged or missing."""
    from igemoji_inference.entrypoints import settings, wiring
    from igemoji_mesh.operator_command import run_command
    from igemoji_mesh.settings import StorageSettings

    check = functools.partial(wiring.check_objects, remove_orphans=remove_orphans)
    sys.exit(0 if run_command(settings.SERVICE, wiring.PACKAGE, StorageSettings, check) else 1)


if __name__ == "__main__":
    main()
