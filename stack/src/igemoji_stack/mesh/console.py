"""Console of a running mesh: one log with a prefix for each service, or JSON lines for machines."""

import contextlib
import datetime
import json
import logging
import logging.handlers
import sys
import threading
from pathlib import Path
from typing import Any

NAME_WIDTH = 14
COLORS = {"auth": 36, "emoji-catalog": 33, "ranking": 35, "inference": 32, "gateway": 34}
LOG_BYTES = 10 * 2**20
LOG_FILES = 3

_QUIET = {"timestamp", "level", "event", "service", "request_id", "exception"}


class Console:
    """Prints the events of the mesh and the log lines of its services, and writes the lines to files."""

    def __init__(self, logs: Path, *, as_json: bool = False, verbose: bool = False) -> None:
        """Open nothing yet: files are created with their first line.

        Args:
            logs: Folder of the log files, one for each service.
            as_json: Print one JSON object for each line, with the key `service`.
            verbose: Print every line; otherwise only warnings and errors of the services.
        """
        self._logs = logs
        self._json = as_json
        self._verbose = verbose
        self._color = sys.stdout.isatty() and not as_json
        self._files: dict[str, logging.Handler] = {}
        self._lock = threading.Lock()

    def event(self, name: str, sentence: str) -> None:
        """Print an event of a service, or of the mesh (empty name)."""
        if self._json:
            self._print(json.dumps({"timestamp": _now(), "service": name or "mesh", "event": sentence}))
        else:
            self._print(f"{self._prefix(name) if name else '•'} {sentence}")

    def line(self, name: str, line: str) -> None:
        """Print and keep a log line of a service: JSON, or plain text from a library."""
        self._keep(name, line)
        parsed = _parse(line)
        if self._json:
            self._print(json.dumps({"service": name, **(parsed or {"event": line})}, ensure_ascii=False))
        elif self._verbose or (parsed or {}).get("level") in ("warning", "error", "critical"):
            self._print(f"{self._prefix(name)} {_readable(parsed) if parsed else line}")

    def say(self, text: str) -> None:
        """Print text for people: nothing with `as_json`."""
        if not self._json:
            self._print(text)

    def close(self) -> None:
        """Close the log files."""
        for handler in self._files.values():
            with contextlib.suppress(OSError):
                handler.close()

    def _print(self, text: str) -> None:
        with self._lock:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    def _prefix(self, name: str) -> str:
        padded = name.ljust(NAME_WIDTH)
        return f"\033[{COLORS.get(name, 37)}m{padded}\033[0m" if self._color else padded

    def _keep(self, name: str, line: str) -> None:
        if name not in self._files:
            self._files[name] = _LogFile(self._logs / f"{name}.log")
        self._files[name].emit(logging.makeLogRecord({"msg": line}))


class _LogFile(logging.handlers.RotatingFileHandler):
    """Drops lines that cannot be written, for example to a full disk, so that the mesh keeps running."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8", delay=True)

    def handleError(self, record: logging.LogRecord) -> None:
        pass


def _parse(line: str) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError):
        parsed = json.loads(line) if line.startswith("{") else None
        return parsed if isinstance(parsed, dict) else None
    return None


def _readable(entry: dict[str, Any]) -> str:
    """Format a log entry: `rpc method=/igemoji… code=OK ms=2.1`, with its traceback below."""
    details = " ".join(f"{key}={value}" for key, value in entry.items() if key not in _QUIET)
    text = f"{entry.get('event', '')} {details}".strip()
    exception = entry.get("exception")
    return f"{text}\n{json.dumps(exception, indent=1, ensure_ascii=False)}" if exception else text


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
