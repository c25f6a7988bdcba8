"""Backends that cannot start."""

from pathlib import Path

import pytest

from igemoji_stack.backends.backend import RealBackends, Urls
from igemoji_stack.backends.server import BackendError, BackendMissing


def backends_that_raise(error: Exception, folder: Path, monkeypatch: pytest.MonkeyPatch) -> RealBackends:
    async def start(_server: object) -> None:
        raise error

    backends = RealBackends(folder, Urls(), ["auth"], lambda _name, _line: None, lambda _name, _event: None)
    for server in backends.own.values():
        monkeypatch.setattr(type(server), "start", start)
    return backends


async def test_missing_backend_names_its_package(tmp_path, monkeypatch):
    missing = BackendMissing("mariadbd is not on this machine: install Debian's mariadb-server.")

    with pytest.raises(BackendError, match="install Debian's mariadb-server"):
        await backends_that_raise(missing, tmp_path, monkeypatch).start()


async def test_unexpected_errors_are_not_reported_as_missing_backends(tmp_path, monkeypatch):
    with pytest.raises(ExceptionGroup) as raised:
        await backends_that_raise(KeyError("a mistake"), tmp_path, monkeypatch).start()

    assert raised.group_contains(KeyError)
