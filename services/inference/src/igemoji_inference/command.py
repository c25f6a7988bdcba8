"""The command `igemoji-inference`: without an argument it serves, with `worker` it works on photos."""

import argparse
import os
import tempfile

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


def main() -> None:
    parser = argparse.ArgumentParser(prog="igemoji-inference", description="Photos in, emoji photos out.")
    commands = parser.add_subparsers(dest="command", metavar="worker")
    worker = commands.add_parser("worker", help="work on photos that come through RabbitMQ, instead of serving")
    worker.add_argument("--only-small", action="store_true", help="take small photos only: they never wait long")
    arguments = parser.parse_args()
    if arguments.command == "worker":
        # Its processes count together; prometheus_client asks for the folder when it is imported.
        with tempfile.TemporaryDirectory(prefix="igemoji-metrics-") as folder:
            os.environ.setdefault(MULTIPROCESS, folder)
            from igemoji_inference.queue import celery_worker

            celery_worker.main(only_small=arguments.only_small)
    else:
        from igemoji_inference.main import main as serve

        serve()


if __name__ == "__main__":
    main()
