"""Parts that can't be started are told in a sentence."""

from pathlib import Path

import pytest

from igemoji_stack.backends.backend import BackendMissing, RealParts, Urls
from igemoji_stack.backends.server import PartMissing


def parts_without(raised: Exception, folder: Path, monkeypatch: pytest.MonkeyPatch) -> RealParts:
    async def start(_part: object) -> None:
        raise raised

    parts = RealParts(folder, Urls(), ["auth"], lambda _name, _line: None, lambda _name, _event: None)
    for part in parts.own.values():
        monkeypatch.setattr(type(part), "start", start)
    return parts


async def test_a_part_that_is_not_on_the_machine_is_told_in_its_own_words(tmp_path, monkeypatch):
    missing = PartMissing("mariadbd is not on this machine: install Debian's mariadb-server.")

    with pytest.raises(BackendMissing, match="install Debian's mariadb-server"):
        await parts_without(missing, tmp_path, monkeypatch).start()


async def test_a_mistake_of_ours_is_not_taken_for_a_missing_part(tmp_path, monkeypatch):
    with pytest.raises(ExceptionGroup) as raised:
        await parts_without(KeyError("a mistake"), tmp_path, monkeypatch).start()

    assert raised.group_contains(KeyError)
