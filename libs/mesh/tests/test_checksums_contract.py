"""Checksums and audit, on every object store."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from igemoji_mesh.objects import checksums
from igemoji_mesh.objects.audit import ObjectRef, audit
from igemoji_mesh.objects.checksums import ObjectDamaged, sha256
from igemoji_mesh.objects.factory import object_store
from igemoji_mesh.objects.folder import FolderObjectStore
from igemoji_mesh.objects.port import CHUNK_BYTES, ObjectMissing, ObjectStore, S3Credentials

KEY = "results/0198c0de-lease.jpg"
DATA = os.urandom(2 * CHUNK_BYTES + 5)
FLIPPED = DATA[:-1] + bytes([DATA[-1] ^ 1])


@pytest.fixture(params=["folder", *(pytest.param(name, marks=pytest.mark.real) for name in ("nanio", "ceph"))])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    """Return a store with one object."""
    if request.param == "folder":
        store: ObjectStore = FolderObjectStore(tmp_path)
    else:
        server = request.getfixturevalue(request.param)
        store = object_store(server.url(f"test-{os.urandom(4).hex()}/inference"), S3Credentials(*server.keys.values()))
    store.put(KEY, DATA, "image/jpeg")
    yield store
    store.close()


def test_intact_object_is_returned(store):
    assert checksums.get(store, KEY, sha256(DATA)) == DATA
    assert b"".join(checksums.stream(store, KEY, sha256(DATA))) == DATA


@pytest.mark.parametrize("read", [checksums.get, checksums.stream])
def test_damaged_object_is_refused_before_the_first_byte(store, read):
    store.put(KEY, FLIPPED, "image/jpeg")
    before = checksums.DAMAGED._value.get()
    with pytest.raises(ObjectDamaged):
        read(store, KEY, sha256(DATA))
    assert checksums.DAMAGED._value.get() == before + 1


@pytest.mark.parametrize("read", [checksums.get, checksums.stream])
def test_object_without_checksum_is_returned_unverified(store, read):
    got = read(store, KEY, "")
    assert (got if isinstance(got, bytes) else b"".join(got)) == DATA


@pytest.mark.parametrize("read", [checksums.get, checksums.stream])
def test_missing_object_is_not_reported_as_damaged(store, read):
    with pytest.raises(ObjectMissing):
        read(store, "results/other.jpg", sha256(DATA))


class Rows:
    """References of a test; `deleted` are keys that a service deletes during the audit."""

    swept: tuple[str, ...] = ("results/",)

    def __init__(self, *refs: ObjectRef, deleted: tuple[str, ...] = ()) -> None:
        self._refs = refs
        self._deleted = deleted

    async def references(self):
        for ref in self._refs:
            yield ref

    async def is_referenced(self, key: str) -> bool:
        return key not in self._deleted and key in {ref.key for ref in self._refs}


async def test_audit_lists_damaged_missing_and_orphaned_objects(store):
    for name in ("damaged", "old", "orphan"):
        store.put(f"results/{name}", FLIPPED, "image/jpeg")
    checksum = sha256(DATA)
    wanted = {KEY: checksum, "results/damaged": checksum, "results/gone": checksum, "results/old": ""}
    wanted["results/old-and-gone"] = ""
    report = await audit(store, Rows(*(ObjectRef(key, checksum, "task 1") for key, checksum in wanted.items())))
    assert (report.intact, report.unchecked) == (1, 1)
    assert [ref.key for ref in report.damaged] == ["results/damaged"]
    assert [ref.key for ref in report.missing] == ["results/gone", "results/old-and-gone"]
    assert report.orphans == ["results/orphan"]
    assert not report.is_whole
    assert "damaged  results/damaged  of task 1\n" in report.report("inference")
    assert store.get("results/orphan") == FLIPPED, "the audit changes nothing"


async def test_object_deleted_during_the_audit_is_not_missing(store):
    rows = Rows(ObjectRef(KEY, sha256(DATA), "task 1"), ObjectRef("results/x", "0", "task 2"), deleted=("results/x",))
    report = await audit(store, rows)
    assert report.is_whole
    assert (report.intact, report.orphans) == (1, [])
