"""Folder object store: crashes and full disks."""

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


def test_object_is_replaced_atomically(tmp_path):
    store = FolderObjectStore(tmp_path)
    store.put("results/1.jpg", b"old", "image/jpeg")
    store.put("results/1.jpg", b"new", "image/jpeg")
    assert store.get("results/1.jpg") == b"new"
    assert files(tmp_path) == ["results/1.jpg"]


def test_full_disk_is_an_error_and_keeps_the_old_object(tmp_path, monkeypatch):
    store = FolderObjectStore(tmp_path)
    store.put("results/1.jpg", b"old", "image/jpeg")
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(StorageFull):
        store.put("results/1.jpg", b"new", "image/jpeg")
    assert store.get("results/1.jpg") == b"old"
    assert files(tmp_path) == ["results/1.jpg"]


def test_files_of_a_killed_writer_are_removed_at_the_next_start(tmp_path):
    FolderObjectStore(tmp_path).put("results/1.jpg", b"old", "image/jpeg")
    writer = subprocess.run([sys.executable, "-c", PUT_AND_DIE, tmp_path])
    assert writer.returncode == -signal.SIGKILL
    assert len(files(tmp_path)) == 2
    assert FolderObjectStore(tmp_path).get("results/1.jpg") == b"old"
    assert files(tmp_path) == ["results/1.jpg"]


def test_file_of_a_running_writer_is_kept(tmp_path, monkeypatch):
    store = FolderObjectStore(tmp_path)

    def open_again(_descriptor: int) -> None:
        FolderObjectStore(tmp_path)

    monkeypatch.setattr(os, "fsync", open_again)
    store.put("results/1.jpg", b"new", "image/jpeg")
    assert store.get("results/1.jpg") == b"new"


def test_folder_is_not_an_object(tmp_path):
    store = FolderObjectStore(tmp_path)
    store.put("results/1.jpg", b"1", "image/jpeg")
    store.delete("results")
    assert store.get("results/1.jpg") == b"1"
