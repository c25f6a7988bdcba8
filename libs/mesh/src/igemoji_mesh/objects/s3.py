"""Object store in S3 (MinIO, AWS, Ceph …), with the minio SDK."""

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
from igemoji_mesh.objects.port import CHUNK_BYTES, ObjectMissing, S3Credentials, checked_key
from igemoji_mesh.observability.logging import log
from igemoji_mesh.storage_errors import ObjectStoreAway, StorageFull

CONNECT_SECONDS = 3.0
READ_SECONDS = 15.0
TRIES = 3
"""Attempts of a request that the server could not answer, and of a download that broke off."""
CONNECTIONS = 16
PART_BYTES = 64 * 2**20
"""Larger than any object: each is one request, and so stored entirely or not at all."""
AWS = "https://s3.amazonaws.com"
DEFAULT_REGION = "us-east-1"

_MISSING = frozenset(("NoSuchKey", "NoSuchObject", "ResourceNotFound"))
_FULL = frozenset(("QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage"))
_TRANSIENT = frozenset(("SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "OperationAborted"))
_EXISTS = frozenset(("BucketAlreadyOwnedByYou", "BucketAlreadyExists"))


@dataclass(frozen=True)
class S3Location:
    """Parsed URL: `s3://bucket/prefix?endpoint=…&region=…&public_endpoint=…`."""

    bucket: str
    prefix: str
    """Prefix of all keys; empty, or ends in `/`."""
    endpoint: SplitResult
    region: str
    public_endpoint: SplitResult | None
    """Endpoint of the same bucket for browsers."""

    @staticmethod
    def parse(url: str) -> "S3Location":
        """Parse OBJECT_STORE_URL. Raises StartError."""
        parts = urlsplit(url)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        unknown = query.keys() - {"endpoint", "region", "public_endpoint"}
        if not parts.netloc or unknown:
            what = f"has an unknown part {min(unknown)!r}" if unknown else "names no bucket"
            raise StartError(f"OBJECT_STORE_URL {what}: it must look like s3://bucket?endpoint=https://host.")
        prefix = parts.path.strip("/")
        public = query.get("public_endpoint")
        return S3Location(
            bucket=parts.netloc,
            prefix=f"{prefix}/" if prefix else "",
            endpoint=_endpoint(query.get("endpoint", AWS)),
            region=query.get("region", DEFAULT_REGION),
            public_endpoint=_endpoint(public) if public else None,
        )


class S3ObjectStore:
    """Objects in a bucket, below a prefix."""

    def __init__(self, location: S3Location, credentials: S3Credentials) -> None:
        """Open the bucket, or create it. Raises StartError if neither is possible."""
        if not credentials.access or not credentials.secret:
            raise StartError(
                "OBJECT_STORE_URL names S3: OBJECT_STORE_ACCESS_KEY and OBJECT_STORE_SECRET_KEY are needed."
            )
        self._location = location
        self._bucket = location.bucket
        self._http = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            maxsize=CONNECTIONS,
            retries=urllib3.Retry(total=TRIES - 1, backoff_factor=0.1, status_forcelist=(500, 502, 503, 504)),
        )
        self._client = _client(location.endpoint, location.region, credentials, self._http)
        # Only signs links; it sends nothing.
        public = location.public_endpoint
        self._public = _client(public, location.region, credentials, self._http) if public else None
        self._make_bucket()

    @timed
    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store an object in one request. Raises StorageFull."""
        with _mapped_errors():
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
        """Return an object. Raises ObjectMissing."""
        return b"".join(self._chunks(key, self._open(key, 0, None)))

    @timed
    def stream(self, key: str) -> Iterator[bytes]:
        """Return an object in chunks. Raises ObjectMissing before the first one."""
        response = self._open(key, 0, None)  # before the first chunk, so that a missing object is an error
        return self._chunks(key, response)

    @timed
    def exists(self, key: str) -> bool:
        """Return whether there is an object under the key."""
        try:
            with _mapped_errors(key):
                self._client.stat_object(self._bucket, self._name(key))
        except ObjectMissing:
            return False
        return True

    @timed
    def delete(self, key: str) -> None:
        """Delete an object. Idempotent."""
        with _mapped_errors(), contextlib.suppress(ObjectMissing):
            self._client.remove_object(self._bucket, self._name(key))

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys below a prefix."""
        with _mapped_errors():
            for found in self._client.list_objects(self._bucket, prefix=self._prefixed(prefix), recursive=True):
                yield str(found.object_name).removeprefix(self._location.prefix)

    def check(self) -> None:
        """Raise if the bucket can't be reached."""
        with _mapped_errors():
            if not self._client.bucket_exists(self._bucket):
                raise ObjectMissing(f"There is no bucket {self._bucket}.")

    def link(self, key: str, lasts: datetime.timedelta) -> str | None:
        """Return a presigned URL; None without a public endpoint."""
        if self._public is None:
            return None
        return self._public.presigned_get_object(self._bucket, self._name(key), expires=lasts)

    def expire(self, days_by_prefix: Mapping[str, int]) -> None:
        """Set lifecycle rules, next to those that others have set."""
        rules = {
            f"igemoji {self._prefixed(prefix)}": (self._prefixed(prefix), days)
            for prefix, days in days_by_prefix.items()
        }
        try:
            present = self._client.get_bucket_lifecycle(self._bucket)
            existing = present.rules if present else []
            if {rule.rule_id: _meaning(rule) for rule in existing if rule.rule_id in rules} == rules:
                return
            others = [rule for rule in existing if rule.rule_id not in rules]
            ours = [
                Rule(ENABLED, rule_filter=Filter(prefix=prefix), rule_id=name, expiration=Expiration(days=days))
                for name, (prefix, days) in rules.items()
            ]
            self._client.set_bucket_lifecycle(self._bucket, LifecycleConfig([*others, *ours]))
        except (S3Error, ServerError, InvalidResponseError, urllib3.exceptions.HTTPError) as error:
            log.warning("objects.lifecycle_refused", error=str(error))

    def close(self) -> None:
        """Close connections."""
        self._http.clear()

    def _make_bucket(self) -> None:
        try:
            with _mapped_errors():
                if not self._client.bucket_exists(self._bucket):
                    self._client.make_bucket(self._bucket)
                    log.info("objects.bucket_created", bucket=self._bucket)
        except ObjectStoreAway as error:
            reason = error.__cause__
            raise StartError(
                f"The object store {self._location.endpoint.geturl()} does not answer: {reason}."
            ) from None
        except S3Error as error:
            if error.code not in _EXISTS:
                what = f"The bucket {self._bucket} at {self._location.endpoint.geturl()} can't be used"
                raise StartError(f"{what}: {error.message} ({error.code}).") from None

    def _open(self, key: str, offset: int, etag: str | None) -> urllib3.BaseHTTPResponse:
        headers: dict[str, str | list[str] | tuple[str]] | None = {"If-Match": etag} if etag else None
        with _mapped_errors(key):
            return self._client.get_object(self._bucket, self._name(key), offset=offset, request_headers=headers)

    def _chunks(self, key: str, response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        """Yield chunks; resume the same version of the object after a broken connection."""
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
        return self._location.prefix + checked_key(key)

    def _prefixed(self, prefix: str) -> str:
        return self._name(prefix.rstrip("/")) + "/"


def _meaning(rule: Rule) -> tuple[str | None, int | None]:
    prefix = rule.rule_filter.prefix if rule.rule_filter else None
    return prefix, rule.expiration.days if rule.expiration else None


def _client(endpoint: SplitResult, region: str, credentials: S3Credentials, http: urllib3.PoolManager) -> Minio:
    secure = endpoint.scheme == "https"
    return Minio(
        endpoint.netloc, credentials.access, credentials.secret, secure=secure, region=region, http_client=http
    )


def _endpoint(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise StartError(
            f"OBJECT_STORE_URL has the endpoint {url!r}; it must look like https://host or http://host:9000."
        )
    return parts


@contextlib.contextmanager
def _mapped_errors(key: str = "") -> Iterator[None]:
    """Map SDK errors to port errors; permanent ones (bad credentials) propagate."""
    try:
        yield
    except S3Error as error:
        if error.code in _MISSING:
            raise ObjectMissing(f"There is no object {key}.") from None
        if error.code in _FULL or error.response.status == HTTPStatus.INSUFFICIENT_STORAGE:
            raise StorageFull from error
        if error.code in _TRANSIENT:
            raise ObjectStoreAway from error
        raise
    except (ServerError, InvalidResponseError, urllib3.exceptions.HTTPError) as error:
        raise ObjectStoreAway from error
