"""Choice of the object store by URL."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from igemoji_mesh.errors import StartError
from igemoji_mesh.objects.folder import FolderObjectStore
from igemoji_mesh.objects.port import ObjectStore, S3Credentials


def object_store(url: str, credentials: S3Credentials | None = None) -> ObjectStore:
    """Open the store of a URL: `file:///var/lib/igemoji/objects` or `s3://bucket?endpoint=…`. Raises StartError."""
    parts = urlsplit(url)
    if parts.scheme == "s3":
        from igemoji_mesh.objects.s3 import S3Location, S3ObjectStore  # the minio SDK is slow to load

        return S3ObjectStore(S3Location.parse(url), credentials or S3Credentials())
    if parts.scheme != "file" or parts.netloc:
        raise StartError(f"OBJECT_STORE_URL is {url!r}; it must look like file:///a/folder or s3://bucket?endpoint=….")
    try:
        return FolderObjectStore(Path(unquote(parts.path)))
    except OSError as error:
        raise StartError(f"The object store's folder {parts.path} can't be used: {error.strerror}.") from None
