"""What services may rely on, whichever store holds their objects."""

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
    """Empty."""
    if request.param == "folder":
        yield FolderObjectStore(tmp_path)
        return
    server = request.getfixturevalue(request.param)
    store = object_store(server.url(f"test-{os.urandom(4).hex()}/inference"), S3Credentials(*server.keys.values()))
    yield store
    store.close()


@pytest.mark.parametrize("data", [b"", b"x", LARGE], ids=["empty", "small", "large"])
def test_what_was_put_comes_back(store, data):
    store.put(KEY, data, "image/jpeg")
    assert store.get(KEY) == data
    chunks = list(store.stream(KEY))
    assert b"".join(chunks) == data
    assert all(0 < len(chunk) <= CHUNK_BYTES for chunk in chunks)
    assert store.exists(KEY)


def test_what_was_there_is_replaced(store):
    store.put(KEY, LARGE, "image/jpeg")
    store.put(KEY, b"new", "image/jpeg")
    assert store.get(KEY) == b"new"


def test_what_is_missing_is_said_before_the_first_chunk(store):
    store.put(KEY, b"x", "image/jpeg")
    for missing in ("results/other.jpg", "results", "results/0198c0de-lease.jpg/x"):
        assert not store.exists(missing)
        with pytest.raises(ObjectMissing):
            store.get(missing)
        with pytest.raises(ObjectMissing):
            store.stream(missing)


def test_what_is_deleted_is_gone_and_can_be_deleted_again(store):
    store.put(KEY, b"x", "image/jpeg")
    for _ in range(2):
        store.delete(KEY)
        assert not store.exists(KEY)
    store.put(KEY, b"again", "image/jpeg")
    assert store.get(KEY) == b"again"


def test_keys_are_those_below_a_prefix(store):
    keys = [f"photos/{number}" for number in range(5)] + ["photos/deeper/one", "photos-of-others/1", "results/1.jpg"]
    for key in keys:
        store.put(key, b"x", "image/jpeg")
    assert sorted(store.keys("photos/")) == sorted(keys[:6])
    assert list(store.keys("nothing/")) == []


@pytest.mark.parametrize("key", ["", "/x", "../x", "a/../b", "a//b", "a/", ".hidden", "a b", "😀"])
def test_a_key_that_could_mean_something_else_is_refused(store, key):
    with pytest.raises(ValueError, match="not an object key"):
        store.put(key, b"x", "image/jpeg")


def test_many_at_once_do_not_mix_up(store):
    def put_and_get(number: int) -> bool:
        data = number.to_bytes(4, "big") * 50_000
        store.put(f"photos/{number}", data, "image/jpeg")
        return bool(store.get(f"photos/{number}") == data)

    with ThreadPoolExecutor(12) as threads:
        assert all(threads.map(put_and_get, range(60)))
    assert len(list(store.keys("photos/"))) == 60


def test_it_is_ready(store):
    store.check()


def test_each_operation_is_timed_the_failed_too(store):
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
