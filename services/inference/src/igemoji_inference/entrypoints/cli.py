"""The command `igemoji-inference`: without an argument it serves, with `worker` it works on photos.

With `check-objects` it compares what is stored with what was put.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


def main() -> None:
    operate(sys.argv[1:])


def operate(given: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="igemoji-inference", description="Photos in, emoji photos out.")
    commands = parser.add_subparsers(dest="command", metavar="worker | check-objects")
    worker = commands.add_parser("worker", help="work on photos that come through RabbitMQ, instead of serving")
    worker.add_argument("--only-small", action="store_true", help="take small photos only: they never wait long")
    check = commands.add_parser("check-objects", help="compare photos and results with what was put, and with the rows")
    check.add_argument("--remove-orphans", action="store_true", help="remove what no row names and is an hour old")
    arguments = parser.parse_args(given)
    if arguments.command == "worker":
        # Its processes count together; prometheus_client asks for the folder when it is imported.
        with tempfile.TemporaryDirectory(prefix="igemoji-metrics-") as folder:
            os.environ.setdefault(MULTIPROCESS, folder)
            from igemoji_inference.entrypoints import celery_worker

            celery_worker.main(only_small=arguments.only_small)
    elif arguments.command == "check-objects":
        from igemoji_inference.adapters.objects.audit import check_objects

        check_objects(remove_orphans=arguments.remove_orphans)
    else:
        from igemoji_inference.entrypoints.main import main as serve

        serve()


if __name__ == "__main__":
    main()
