"""Contract of the object store port, on every adapter."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from igemoji_mesh.objects.factory import object_store
from igemoji_mesh.objects.folder import FolderObjectStore
from igemoji_mesh.objects.port import CHUNK_BYTES, ObjectMissing, ObjectStore, S3Credentials

KEY = "results/0198c0de-lease.jpg"
LARGE = os.urandom(3 * CHUNK_BYTES + 5)


@pytest.fixture(params=["folder", *(pytest.param(name, marks=pytest.mark.real) for name in ("nanio", "ceph"))])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    """Return an empty store."""
    if request.param == "folder":
        yield FolderObjectStore(tmp_path)
        return
    server = request.getfixturevalue(request.param)
    store = object_store(server.url(f"test-{os.urandom(4).hex()}/inference"), S3Credentials(*server.keys.values()))
    yield store
    store.close()


@pytest.mark.parametrize("data", [b"", b"x", LARGE], ids=["empty", "small", "large"])
def test_put_object_is_returned(store, data):
    store.put(KEY, data, "image/jpeg")
    assert store.get(KEY) == data
    chunks = list(store.stream(KEY))
    assert b"".join(chunks) == data
    assert all(0 < len(chunk) <= CHUNK_BYTES for chunk in chunks)
    assert store.exists(KEY)


def test_put_replaces(store):
    store.put(KEY, LARGE, "image/jpeg")
    store.put(KEY, b"new", "image/jpeg")
    assert store.get(KEY) == b"new"


def test_missing_object_is_an_error_before_the_first_chunk(store):
    store.put(KEY, b"x", "image/jpeg")
    for missing in ("results/other.jpg", "results", "results/0198c0de-lease.jpg/x"):
        assert not store.exists(missing)
        with pytest.raises(ObjectMissing):
            store.get(missing)
        with pytest.raises(ObjectMissing):
            store.stream(missing)


def test_delete_is_idempotent(store):
    store.put(KEY, b"x", "image/jpeg")
    for _ in range(2):
        store.delete(KEY)
        assert not store.exists(KEY)
    store.put(KEY, b"again", "image/jpeg")
    assert store.get(KEY) == b"again"


def test_keys_are_listed_by_prefix(store):
    keys = [f"photos/{number}" for number in range(5)] + ["photos/deeper/one", "photos-of-others/1", "results/1.jpg"]
    for key in keys:
        store.put(key, b"x", "image/jpeg")
    assert sorted(store.keys("photos/")) == sorted(keys[:6])
    assert list(store.keys("nothing/")) == []


@pytest.mark.parametrize("key", ["", "/x", "../x", "a/../b", "a//b", "a/", ".hidden", "a b", "😀"])
def test_ambiguous_key_is_refused(store, key):
    with pytest.raises(ValueError, match="not an object key"):
        store.put(key, b"x", "image/jpeg")


def test_concurrent_objects_do_not_mix(store):
    def put_and_get(number: int) -> bool:
        data = number.to_bytes(4, "big") * 50_000
        store.put(f"photos/{number}", data, "image/jpeg")
        return bool(store.get(f"photos/{number}") == data)

    with ThreadPoolExecutor(12) as threads:
        assert all(threads.map(put_and_get, range(60)))
    assert len(list(store.keys("photos/"))) == 60


def test_check_passes(store):
    store.check()


def test_operations_are_measured_even_if_they_fail(store):
    def counted() -> dict[str, float]:
        operations = ("put", "get", "stream", "exists", "delete")
        return {
            name: REGISTRY.get_sample_value("igemoji_object_store_seconds_count", {"operation": name}) or 0
            for name in operations
        }

    before = counted()
    store.put(KEY, b"x", "image/jpeg")
    store.get(KEY)
    b"".join(store.stream(KEY))
    assert store.exists(KEY)
    store.delete(KEY)
    with pytest.raises(ObjectMissing):
        store.get(KEY)
    after = counted()
    assert {name: after[name] - before[name] for name in after} == {
        **dict.fromkeys(("put", "stream", "exists", "delete"), 1),
        "get": 2,
    }
