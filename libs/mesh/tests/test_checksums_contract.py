"""A damaged object is refused, whichever store holds it."""

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
    """With one object."""
    if request.param == "folder":
        store: ObjectStore = FolderObjectStore(tmp_path)
    else:
        server = request.getfixturevalue(request.param)
        store = object_store(server.url(f"test-{os.urandom(4).hex()}/inference"), S3Credentials(*server.keys.values()))
    store.put(KEY, DATA, "image/jpeg")
    yield store
    store.close()


def test_an_intact_object_comes_back(store):
    assert checksums.get(store, KEY, sha256(DATA)) == DATA
    assert b"".join(checksums.stream(store, KEY, sha256(DATA))) == DATA


@pytest.mark.parametrize("read", [checksums.get, checksums.stream])
def test_one_flipped_bit_at_its_end_is_seen_before_the_first_byte_is_given_out(store, read):
    store.put(KEY, FLIPPED, "image/jpeg")
    before = checksums.DAMAGED._value.get()
    with pytest.raises(ObjectDamaged):
        read(store, KEY, sha256(DATA))
    assert checksums.DAMAGED._value.get() == before + 1


@pytest.mark.parametrize("read", [checksums.get, checksums.stream])
def test_an_object_from_before_checksums_is_given_out_as_it_is(store, read):
    got = read(store, KEY, "")
    assert (got if isinstance(got, bytes) else b"".join(got)) == DATA


@pytest.mark.parametrize("read", [checksums.get, checksums.stream])
def test_a_missing_object_is_missing_and_not_damaged(store, read):
    with pytest.raises(ObjectMissing):
        read(store, "results/other.jpg", sha256(DATA))


class Rows:
    """A ledger of what a test names; `let_go` is what a service removes while report is taken."""

    swept: tuple[str, ...] = ("results/",)

    def __init__(self, *refs: ObjectRef, let_go: tuple[str, ...] = ()) -> None:
        self._refs = refs
        self._let_go = let_go

    async def references(self):
        for ref in self._refs:
            yield ref

    async def is_referenced(self, key: str) -> bool:
        return key not in self._let_go and key in {ref.key for ref in self._refs}


async def test_report_tells_what_is_damaged_missing_and_without_a_row(store):
    for name in ("damaged", "old", "orphan"):
        store.put(f"results/{name}", FLIPPED, "image/jpeg")
    checksum = sha256(DATA)
    wanted = {KEY: checksum, "results/damaged": checksum, "results/gone": checksum, "results/old": ""}
    wanted["results/old-and-gone"] = ""
    report = await audit(store, Rows(*(ObjectRef(key, kept, "task 1") for key, kept in wanted.items())))
    assert (report.intact, report.unchecked) == (1, 1)
    assert [ref.key for ref in report.damaged] == ["results/damaged"]
    assert [ref.key for ref in report.missing] == ["results/gone", "results/old-and-gone"]
    assert report.orphans == ["results/orphan"]
    assert not report.is_whole
    assert "damaged  results/damaged  of task 1\n" in report.report("inference")
    assert store.get("results/orphan") == FLIPPED, "it only looks"


async def test_what_a_service_lets_go_of_meanwhile_is_not_missing(store):
    rows = Rows(ObjectRef(KEY, sha256(DATA), "task 1"), ObjectRef("results/x", "0", "task 2"), let_go=("results/x",))
    report = await audit(store, rows)
    assert report.is_whole
    assert (report.intact, report.orphans) == (1, [])
