"""Export of a user's data as a ZIP file that is streamed while it is written."""

import json
import mimetypes
import zipfile
from collections.abc import AsyncIterator, Mapping
from typing import Any

from igemoji_auth.usecases.ports import ExportSource


class Export:
    """Collects the account, the templates and the results of a user."""

    def __init__(self, templates: ExportSource, results: ExportSource) -> None:
        self._sources = {"template": templates, "result": results}

    async def zip(self, user_id: str, account: Mapping[str, Any]) -> AsyncIterator[bytes]:
        """Yield the chunks of the ZIP file; `account` is the content of `account.json`.

        If a service is down before the first chunk, its error is raised. If one goes down later, the file is cut off,
        which every program that opens it reports.
        """
        items = {kind: await source.items(user_id) for kind, source in self._sources.items()}
        buffer = _Buffer()
        with zipfile.ZipFile(buffer, "w") as archive:  # type: ignore[call-overload]  # it only needs to write
            _add_json(archive, "account.json", account)
            for kind, source in self._sources.items():
                for item in items[kind]:
                    folder = f"{kind}s/{item.id}"
                    _add_json(archive, f"{folder}/{kind}.json", item.fields)
                    for name in item.pictures:
                        picture = await source.picture(item.id, name)
                        if picture is not None:
                            extension = mimetypes.guess_extension(picture.content_type) or ""
                            archive.writestr(f"{folder}/{name}{extension}", picture.data)
                        yield buffer.take()
        yield buffer.take()


class _Buffer:
    """File that is read and emptied while it is written."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> int:
        self._data += data
        return len(data)

    def flush(self) -> None:
        """Do nothing: there is no file below."""

    def take(self) -> bytes:
        taken = bytes(self._data)
        self._data.clear()
        return taken


def _add_json(archive: zipfile.ZipFile, name: str, fields: Mapping[str, Any]) -> None:
    archive.writestr(name, json.dumps(fields, ensure_ascii=False, indent=2), zipfile.ZIP_DEFLATED)
