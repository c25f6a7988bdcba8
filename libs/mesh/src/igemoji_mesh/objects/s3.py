"""Objects in any S3: MinIO, AWS, Ceph …, through the minio SDK."""

import contextlib
import datetime
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import SplitResult, parse_qs, urlsplit

import urllib3
from minio import Minio
from minio.commonconfig import ENABLED, Filter
from minio.error import InvalidResponseError, S3Error, ServerError
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule

from igemoji_mesh.errors import StartError
from igemoji_mesh.objects.metrics import timed
from igemoji_mesh.objects.port import CHUNK_BYTES, Keys, ObjectMissing, checked_key
from igemoji_mesh.observability.logging import log
from igemoji_mesh.storage_errors import ObjectStoreAway, StorageFull

CONNECT_SECONDS = 3.0
READ_SECONDS = 15.0
TRIES = 3
"""Of a request that met a server in trouble, and of reading on where a connection broke."""
CONNECTIONS = 16
PART_BYTES = 64 * 2**20
"""Above any object of ours: each is one request, and so stored whole or not at all."""
AWS = "https://s3.amazonaws.com"
DEFAULT_REGION = "us-east-1"

_MISSING = frozenset(("NoSuchKey", "NoSuchObject", "ResourceNotFound"))
_FULL = frozenset(("QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage"))
_TROUBLED = frozenset(("SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "OperationAborted"))
_MADE_BY_ANOTHER = frozenset(("BucketAlreadyOwnedByYou", "BucketAlreadyExists"))


@dataclass(frozen=True)
class Place:
    """What an URL names: `s3://bucket/prefix?endpoint=…&region=…&public_endpoint=…`."""

    bucket: str
    prefix: str
    """Of all keys; empty, or ends in `/`."""
    endpoint: SplitResult
    region: str
    public_endpoint: SplitResult | None
    """Where browsers reach the same objects."""

    @staticmethod
    def parse(url: str) -> "Place":
        """Raises StartError."""
        parts = urlsplit(url)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        unknown = query.keys() - {"endpoint", "region", "public_endpoint"}
        if not parts.netloc or unknown:
            what = f"has an unknown part {min(unknown)!r}" if unknown else "names no bucket"
            raise StartError(f"OBJECT_STORE_URL {what}: it must look like s3://bucket?endpoint=https://host.")
        prefix = parts.path.strip("/")
        public = query.get("public_endpoint")
        return Place(
            bucket=parts.netloc,
            prefix=f"{prefix}/" if prefix else "",
            endpoint=_endpoint(query.get("endpoint", AWS)),
            region=query.get("region", DEFAULT_REGION),
            public_endpoint=_endpoint(public) if public else None,
        )


class S3ObjectStore:
    """A bucket, or what lies below a prefix in it."""

    def __init__(self, place: Place, keys: Keys) -> None:
        """Raises StartError where there is no such bucket and none can be made."""
        if not keys.access or not keys.secret:
            raise StartError(
                "OBJECT_STORE_URL names S3: OBJECT_STORE_ACCESS_KEY and OBJECT_STORE_SECRET_KEY are needed."
            )
        self._place = place
        self._bucket = place.bucket
        self._http = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            maxsize=CONNECTIONS,
            retries=urllib3.Retry(total=TRIES - 1, backoff_factor=0.1, status_forcelist=(500, 502, 503, 504)),
        )
        self._client = _client(place.endpoint, place.region, keys, self._http)
        # It signs links and never sends anything.
        public = place.public_endpoint
        self._public = _client(public, place.region, keys, self._http) if public else None
        self._make_bucket()

    @timed
    def put(self, key: str, data: bytes, content_type: str) -> None:
        with _troubles():
            self._client.put_object(
                self._bucket,
                self._name(key),
                io.BytesIO(data),
                len(data),
                content_type=content_type,
                part_size=PART_BYTES,
            )

    @timed
    def get(self, key: str) -> bytes:
        return b"".join(self._chunks(key, self._open(key, 0, None)))

    @timed
    def stream(self, key: str) -> Iterator[bytes]:
        response = self._open(key, 0, None)  # here, so that what is missing is known before the first chunk
        return self._chunks(key, response)

    @timed
    def exists(self, key: str) -> bool:
        try:
            with _troubles(key):
                self._client.stat_object(self._bucket, self._name(key))
        except ObjectMissing:
            return False
        return True

    @timed
    def delete(self, key: str) -> None:
        with _troubles(), contextlib.suppress(ObjectMissing):
            self._client.remove_object(self._bucket, self._name(key))

    def keys(self, prefix: str) -> Iterator[str]:
        with _troubles():
            for found in self._client.list_objects(self._bucket, prefix=self._below(prefix), recursive=True):
                yield str(found.object_name).removeprefix(self._place.prefix)

    def check(self) -> None:
        with _troubles():
            if not self._client.bucket_exists(self._bucket):
                raise ObjectMissing(f"There is no bucket {self._bucket}.")

    def link(self, key: str, lasts: datetime.timedelta) -> str | None:
        if self._public is None:
            return None
        return self._public.presigned_get_object(self._bucket, self._name(key), expires=lasts)

    def expire(self, days_by_prefix: Mapping[str, int]) -> None:
        rules = {
            f"igemoji {self._below(prefix)}": (self._below(prefix), days) for prefix, days in days_by_prefix.items()
        }
        try:
            present = self._client.get_bucket_lifecycle(self._bucket)
            there = present.rules if present else []
            if {rule.rule_id: _meaning(rule) for rule in there if rule.rule_id in rules} == rules:
                return
            others = [rule for rule in there if rule.rule_id not in rules]
            ours = [
                Rule(ENABLED, rule_filter=Filter(prefix=prefix), rule_id=name, expiration=Expiration(days=days))
                for name, (prefix, days) in rules.items()
            ]
            self._client.set_bucket_lifecycle(self._bucket, LifecycleConfig([*others, *ours]))
        except (S3Error, ServerError, InvalidResponseError, urllib3.exceptions.HTTPError) as error:
            log.warning("the object store takes no rules of retention", error=str(error))

    def close(self) -> None:
        self._http.clear()

    def _make_bucket(self) -> None:
        try:
            with _troubles():
                if not self._client.bucket_exists(self._bucket):
                    self._client.make_bucket(self._bucket)
                    log.info("made a bucket", bucket=self._bucket)
        except ObjectStoreAway as error:
            reason = error.__cause__
            raise StartError(f"The object store {self._place.endpoint.geturl()} does not answer: {reason}.") from None
        except S3Error as error:
            if error.code not in _MADE_BY_ANOTHER:
                what = f"The bucket {self._bucket} at {self._place.endpoint.geturl()} can't be used"
                raise StartError(f"{what}: {error.message} ({error.code}).") from None

    def _open(self, key: str, offset: int, etag: str | None) -> urllib3.BaseHTTPResponse:
        headers: dict[str, str | list[str] | tuple[str]] | None = {"If-Match": etag} if etag else None
        with _troubles(key):
            return self._client.get_object(self._bucket, self._name(key), offset=offset, request_headers=headers)

    def _chunks(self, key: str, response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        """Where the connection breaks, the same object is read on from there."""
        etag, whole, sent, tries = response.headers.get("etag"), int(response.headers["content-length"]), 0, 1
        try:
            while sent < whole:
                try:
                    for chunk in response.stream(CHUNK_BYTES):
                        sent += len(chunk)
                        yield chunk
                except urllib3.exceptions.HTTPError as error:
                    tries += 1
                    response.close()
                    if tries > TRIES:
                        raise ObjectStoreAway from error
                    response = self._open(key, sent, etag)
        finally:
            response.close()
            response.release_conn()

    def _name(self, key: str) -> str:
        return self._place.prefix + checked_key(key)

    def _below(self, prefix: str) -> str:
        return self._name(prefix.rstrip("/")) + "/"


def _meaning(rule: Rule) -> tuple[str | None, int | None]:
    prefix = rule.rule_filter.prefix if rule.rule_filter else None
    return prefix, rule.expiration.days if rule.expiration else None


def _client(endpoint: SplitResult, region: str, keys: Keys, http: urllib3.PoolManager) -> Minio:
    secure = endpoint.scheme == "https"
    return Minio(endpoint.netloc, keys.access, keys.secret, secure=secure, region=region, http_client=http)


def _endpoint(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise StartError(
            f"OBJECT_STORE_URL has the endpoint {url!r}; it must look like https://host or http://host:9000."
        )
    return parts


@contextlib.contextmanager
def _troubles(key: str = "") -> Iterator[None]:
    """What the SDK raises, as what the port says. What is nobody's passing trouble, such as a wrong key, stays."""
    try:
        yield
    except S3Error as error:
        if error.code in _MISSING:
            raise ObjectMissing(f"There is no object {key}.") from None
        if error.code in _FULL or error.response.status == HTTPStatus.INSUFFICIENT_STORAGE:
            raise StorageFull from error
        if error.code in _TROUBLED:
            raise ObjectStoreAway from error
        raise
    except (ServerError, InvalidResponseError, urllib3.exceptions.HTTPError) as error:
        raise ObjectStoreAway from error
