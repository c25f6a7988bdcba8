"""S3 beyond the port: access, presigned links, lifecycle rules, and an unavailable server."""

import asyncio
import datetime
import os
from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest
from minio import Minio

from igemoji_mesh.errors import StartError
from igemoji_mesh.objects.factory import object_store
from igemoji_mesh.objects.port import S3Credentials
from igemoji_mesh.objects.s3 import S3ObjectStore
from igemoji_mesh.storage_errors import ObjectStoreAway, StorageFull

pytestmark = pytest.mark.real

MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture(params=["nanio", "ceph"])
def server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def keys(server) -> S3Credentials:
    return S3Credentials(*server.keys.values())


@pytest.fixture
def bucket() -> str:
    return f"test-{os.urandom(4).hex()}"


@pytest.fixture
def store(server, keys, bucket) -> Iterator[S3ObjectStore]:
    store = object_store(f"{server.url(f'{bucket}/inference')}&{urlencode({'public_endpoint': server.endpoint})}", keys)
    assert isinstance(store, S3ObjectStore)
    yield store
    store.close()


@pytest.fixture
def cutting_proxy(backend_loop, nanio) -> Iterator[str]:
    """Return an endpoint whose first two connections break after 300 kB."""
    cut: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, to_them = await asyncio.open_connection("127.0.0.1", nanio.port)

        async def back() -> None:
            passed = 0
            while data := await theirs.read(50_000):
                passed += len(data)
                if passed > 300_000 and len(cut) < 2:
                    cut.append(passed)
                    break
                writer.write(data)
                await writer.drain()
            writer.close()

        answering = asyncio.create_task(back())
        while data := await reader.read(50_000):
            to_them.write(data)
        to_them.close()
        await answering

    proxy = backend_loop.run(asyncio.start_server(serve, "127.0.0.1", 0))
    yield f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
    proxy.close()
    assert len(cut) == 2


def test_anonymous_requests_can_not_read_or_list(store, server, bucket):
    store.put("results/1.jpg", b"private", "image/jpeg")
    for path in ("/inference/results/1.jpg", "/", "/?list-type=2", "/?lifecycle"):
        assert httpx.get(f"{server.endpoint}/{bucket}{path}").status_code == 403


def test_presigned_link_gives_one_object_with_its_type(store):
    store.put("results/1.jpg", b"a photo", "image/jpeg")
    store.put("results/2.jpg", b"another photo", "image/jpeg")
    link = store.link("results/1.jpg", MINUTE)
    answer = httpx.get(link)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"a photo", "image/jpeg")
    assert httpx.get(link.replace("results/1.jpg", "results/2.jpg")).status_code == 403
    assert httpx.put(link, content=b"mine").status_code == 403


def test_no_links_without_a_public_endpoint(server, keys, bucket):
    store = object_store(server.url(bucket), keys)
    assert store.link("results/1.jpg", MINUTE) is None
    store.close()


def test_services_share_a_bucket_with_separate_prefixes(store, server, keys, bucket):
    other = object_store(server.url(f"{bucket}/emoji-catalog"), keys)
    store.put("pictures/1.png", b"1", "image/png")
    assert list(other.keys("pictures/")) == []
    other.put("pictures/2.png", b"2", "image/png")
    other.delete("pictures/1.png")
    assert store.get("pictures/1.png") == b"1"
    assert list(store.keys("pictures/")) == ["pictures/1.png"]
    other.close()


@pytest.mark.parametrize("wrong", ["access", "secret"])
def test_wrong_keys_are_a_start_error(server, keys, bucket, wrong):
    bad = S3Credentials("unknown", keys.secret) if wrong == "access" else S3Credentials(keys.access, "wrong")
    with pytest.raises(StartError, match=f"The bucket {bucket} at {server.endpoint} can't be used: .*\\."):
        object_store(server.url(bucket), bad)


def test_unreachable_server_is_a_start_error(keys, bucket):
    with pytest.raises(StartError, match=r"The object store http://127\.0\.0\.1:1 does not answer"):
        object_store(f"s3://{bucket}?endpoint=http://127.0.0.1:1", keys)


async def test_unavailable_server_is_reported_until_it_is_back(store, server, backend_loop):
    store.put("results/1.jpg", b"1", "image/jpeg")
    await asyncio.to_thread(backend_loop.run, server.kill())
    try:
        for call in (lambda: store.put("results/2.jpg", b"2", "image/jpeg"), lambda: store.get("results/1.jpg")):
            with pytest.raises(ObjectStoreAway):
                await asyncio.to_thread(call)
        with pytest.raises(ObjectStoreAway):
            await asyncio.to_thread(store.check)
    finally:
        await asyncio.to_thread(backend_loop.run, server.start())
    assert store.get("results/1.jpg") == b"1"
    assert not store.exists("results/2.jpg")


def test_download_resumes_after_a_broken_connection(cutting_proxy, nanio, bucket):
    store = object_store(f"s3://{bucket}?{urlencode({'endpoint': cutting_proxy})}", S3Credentials(*nanio.keys.values()))
    photo = os.urandom(2_000_000)
    store.put("photos/1", photo, "image/jpeg")
    assert store.get("photos/1") == photo
    store.close()


def test_lifecycle_rules_are_set_once_beside_those_of_others(ceph, bucket):
    ours, others = (
        object_store(ceph.url(f"{bucket}/{name}"), S3Credentials(*ceph.keys.values())) for name in ("a", "b")
    )
    others.expire({"photos/": 9})
    for _ in range(2):
        ours.expire({"photos/": 2, "results/": 31})
    access, secret = ceph.keys.values()
    client = Minio(ceph.endpoint.removeprefix("http://"), access, secret, secure=False, region="us-east-1")
    lifecycle = client.get_bucket_lifecycle(bucket)
    assert lifecycle is not None
    found = {
        rule.rule_filter.prefix: rule.expiration.days
        for rule in lifecycle.rules
        if rule.rule_filter is not None and rule.expiration is not None
    }
    assert found == {"a/photos/": 2, "a/results/": 31, "b/photos/": 9}
    ours.close()
    others.close()


def test_store_without_lifecycle_rules_is_usable(nanio, bucket):
    store = object_store(nanio.url(bucket), S3Credentials(*nanio.keys.values()))
    store.expire({"photos/": 2})
    store.put("photos/1", b"x", "image/jpeg")
    assert store.get("photos/1") == b"x"
    store.close()


def test_exceeded_bucket_quota_is_storage_full(ceph, bucket, backend_loop):
    user = ("--uid=igemoji", "--quota-scope=user")
    store = object_store(ceph.url(bucket), S3Credentials(*ceph.keys.values()))
    backend_loop.run(ceph.admin("quota", "set", *user, "--max-objects=0"))
    backend_loop.run(ceph.admin("quota", "enable", *user))
    try:
        with pytest.raises(StorageFull):
            store.put("photos/1", b"x", "image/jpeg")
    finally:
        backend_loop.run(ceph.admin("quota", "disable", *user))
        store.close()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("s3://?endpoint=http://h", "names no bucket"),
        ("s3://b?endpoint=h:9000", "endpoint 'h:9000'"),
        ("s3://b?endpoint=http://h&secret=x", "unknown part 'secret'"),
        ("https://h/b", "must look like"),
    ],
)
def test_invalid_store_url_is_one_sentence(url, sentence):
    with pytest.raises(StartError, match=sentence):
        object_store(url, S3Credentials("k", "s"))


def test_missing_keys_are_a_start_error():
    with pytest.raises(StartError, match="OBJECT_STORE_ACCESS_KEY and OBJECT_STORE_SECRET_KEY"):
        object_store("s3://b?endpoint=http://h")
