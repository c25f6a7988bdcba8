"""Log of an unexpected error."""

import json
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys

import sqlalchemy as sa
from igemoji_mesh.db.database import create_engine
from igemoji_mesh.observability.logging import configure_logging, log

def register(address, password):
    with create_engine(f"sqlite:///{sys.argv[1]}/x.db").connect() as connection:
        connection.execute(sa.text("SELECT x FROM nowhere WHERE a = :a"), {"a": address})

configure_logging("auth")
try:
    register("kim@example.org", "a long enough one")
except Exception:
    log.exception("rpc.unexpected_error")
"""


def test_log_of_an_error_has_the_stack_without_values(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    (entry,) = map(json.loads, done.stdout.splitlines())
    assert entry["exception"][0]["exc_type"] == "OperationalError"
    assert "register" in [frame["name"] for frame in entry["exception"][0]["frames"]]
    assert "kim@example.org" not in done.stdout
    assert "a long enough one" not in done.stdout
