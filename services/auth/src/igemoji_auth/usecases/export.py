"""What is a user's, as a ZIP that is written while it is read."""

import json
import mimetypes
import zipfile
from collections.abc import AsyncIterator

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from igemoji.auth.v1 import auth_pb2 as pb
from igemoji.emoji_catalog.v1 import emoji_catalog_pb2, emoji_catalog_pb2_grpc
from igemoji.inference.v1 import inference_pb2, inference_pb2_grpc
from igemoji_mesh.clients.channels import as_user

RESULTS_AT_ONCE = 100
PICTURE_SECONDS = 60


class Export:
    """Asks the other services as the user whose call is being answered."""

    def __init__(self, inference: grpc.aio.Channel, emoji_catalog: grpc.aio.Channel) -> None:
        self._inference = inference_pb2_grpc.InferenceServiceStub(inference)
        self._emoji_catalog = emoji_catalog_pb2_grpc.EmojiCatalogServiceStub(emoji_catalog)

    async def zip(self, user: pb.User) -> AsyncIterator[bytes]:
        """The pieces of the file. Where a service is down it raises before the first; one that goes down later leaves
        the file without its end, which every program that opens it tells."""
        emojis = await self._emojis(user.id)
        results = await self._results(user.id)
        written = _Written()
        with zipfile.ZipFile(written, "w") as archive:  # type: ignore[call-overload]  # all it does is write
            _add(archive, "account.json", user)
            for emoji in emojis:
                _add(archive, f"templates/{emoji.id}/template.json", emoji)
                for expression in emoji.images.DESCRIPTOR.fields_by_name:
                    picture = await self._emoji_image(emoji.id, expression)
                    _add_picture(archive, f"templates/{emoji.id}/{expression}", picture)
                    yield written.take()
            for result in results:
                _add(archive, f"results/{result.task_id}/result.json", result)
                _add_picture(archive, f"results/{result.task_id}/photo", await self._photo(result.task_id))
                yield written.take()
        yield written.take()

    async def _emojis(self, user_id: str) -> list[emoji_catalog_pb2.Emoji]:
        found: dict[str, emoji_catalog_pb2.Emoji] = {}  # by id: what is added meanwhile moves the pages
        token = ""
        while True:
            request = emoji_catalog_pb2.ListEmojisRequest(owner_id=user_id, page_number=1, page_token=token)
            page = await self._emoji_catalog.ListEmojis(request, metadata=as_user())
            found.update((emoji.id, emoji) for emoji in page.emojis)
            token = page.next_page_token
            if not token:
                return list(found.values())

    async def _results(self, user_id: str) -> list[inference_pb2.TaskResult]:
        found: dict[str, inference_pb2.TaskResult] = {}
        token = ""
        while True:
            request = inference_pb2.ListResultsRequest(
                user_id=user_id, page_number=1, page_size=RESULTS_AT_ONCE, page_token=token
            )
            page = await self._inference.ListResults(request)
            found.update((result.task_id, result) for result in page.results)
            token = page.next_page_token
            if not token:
                return list(found.values())

    async def _emoji_image(self, emoji_id: str, expression: str) -> tuple[str, bytes] | None:
        request = emoji_catalog_pb2.GetEmojiImageRequest(id=emoji_id, expression=expression)
        try:
            body = await self._emoji_catalog.GetEmojiImage(request, metadata=as_user(), timeout=PICTURE_SECONDS)
        except grpc.aio.AioRpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:  # deleted since it was listed
                return None
            raise
        return body.content_type, body.data

    async def _photo(self, task_id: str) -> tuple[str, bytes] | None:
        request = inference_pb2.GetResultImageRequest(task_id=task_id)
        content_type, data = "", bytearray()
        try:
            async for body in self._inference.GetResultImage(request, metadata=as_user(), timeout=PICTURE_SECONDS):
                content_type = content_type or body.content_type
                data += body.data
        except grpc.aio.AioRpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:  # deleted since it was listed
                return None
            raise
        return content_type, bytes(data)


class _Written:
    """A file that is taken away as it is written."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> int:
        self._data += data
        return len(data)

    def flush(self) -> None:
        """There is nothing below."""

    def take(self) -> bytes:
        taken = bytes(self._data)
        self._data.clear()
        return taken


def _add(archive: zipfile.ZipFile, name: str, message: Message) -> None:
    fields = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    archive.writestr(name, json.dumps(fields, ensure_ascii=False, indent=2), zipfile.ZIP_DEFLATED)


def _add_picture(archive: zipfile.ZipFile, name: str, picture: tuple[str, bytes] | None) -> None:
    if picture is not None:
        content_type, data = picture
        archive.writestr(name + (mimetypes.guess_extension(content_type) or ""), data)
