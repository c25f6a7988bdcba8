"""The folder that holds objects, and what a crash or a full disk leaves in it."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from igemoji_mesh.objects.folder import FolderObjectStore
from igemoji_mesh.storage_errors import StorageFull


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def no_space(_descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


PUT_AND_DIE = """
import os, pathlib, signal, sys
from igemoji_mesh.objects.folder import FolderObjectStore
store = FolderObjectStore(pathlib.Path(sys.argv[1]))
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
store.put("results/1.jpg", b"new", "image/jpeg")
"""


def test_an_object_is_replaced_whole(tmp_path):
    store = FolderObjectStore(tmp_path)
    store.put("results/1.jpg", b"old", "image/jpeg")
    store.put("results/1.jpg", b"new", "image/jpeg")
    assert store.get("results/1.jpg") == b"new"
    assert files(tmp_path) == ["results/1.jpg"]


def test_a_full_disk_is_said_and_leaves_what_was_there(tmp_path, monkeypatch):
    store = FolderObjectStore(tmp_path)
    store.put("results/1.jpg", b"old", "image/jpeg")
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(StorageFull):
        store.put("results/1.jpg", b"new", "image/jpeg")
    assert store.get("results/1.jpg") == b"old"
    assert files(tmp_path) == ["results/1.jpg"]


def test_what_a_killed_writer_left_is_gone_when_the_store_is_opened_again(tmp_path):
    FolderObjectStore(tmp_path).put("results/1.jpg", b"old", "image/jpeg")
    writer = subprocess.run([sys.executable, "-c", PUT_AND_DIE, tmp_path])
    assert writer.returncode == -signal.SIGKILL
    assert len(files(tmp_path)) == 2
    assert FolderObjectStore(tmp_path).get("results/1.jpg") == b"old"
    assert files(tmp_path) == ["results/1.jpg"]


def test_what_another_process_is_writing_stays(tmp_path, monkeypatch):
    store = FolderObjectStore(tmp_path)

    def open_again(_descriptor: int) -> None:
        FolderObjectStore(tmp_path)

    monkeypatch.setattr(os, "fsync", open_again)
    store.put("results/1.jpg", b"new", "image/jpeg")
    assert store.get("results/1.jpg") == b"new"


def test_a_folder_is_no_object(tmp_path):
    store = FolderObjectStore(tmp_path)
    store.put("results/1.jpg", b"1", "image/jpeg")
    store.delete("results")
    assert store.get("results/1.jpg") == b"1"
