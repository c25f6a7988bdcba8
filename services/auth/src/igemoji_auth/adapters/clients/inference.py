"""Client of inference: the results of the user whose call is being answered."""

import grpc

from igemoji.inference.v1 import inference_pb2 as pb
from igemoji.inference.v1 import inference_pb2_grpc
from igemoji_auth.adapters.clients.paging import PICTURE_SECONDS, all_pages, page, to_fields, unless_deleted
from igemoji_auth.usecases.ports import ExportItem, Picture
from igemoji_mesh.clients.channels import as_user

EXPORT_PAGE_SIZE = 100


class InferenceClient:
    """Reads results; an ExportSource."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = inference_pb2_grpc.InferenceServiceStub(channel)

    async def results(
        self, user_id: str, page_number: int, page_size: int, page_token: str = ""
    ) -> pb.ListResultsResponse:
        """Return a page of results, newest first, by number (from 1) or token. Raises InvalidPageToken."""
        request = pb.ListResultsRequest(
            user_id=user_id, page_number=page_number, page_size=page_size, page_token=page_token
        )
        return await page(self._stub.ListResults(request))

    async def items(self, user_id: str) -> list[ExportItem]:
        """Return all results."""
        pages = await all_pages(lambda token: self.results(user_id, 1, EXPORT_PAGE_SIZE, token))
        found = {result.task_id: result for found in pages for result in found.results}
        return [ExportItem(task_id, to_fields(result), ("photo",)) for task_id, result in found.items()]

    async def picture(self, item_id: str, name: str) -> Picture | None:  # noqa: ARG002 - there is only one
        """Return the finished photo of a task."""
        return await unless_deleted(self._photo(item_id))

    async def _photo(self, task_id: str) -> Picture:
        request = pb.GetResultImageRequest(task_id=task_id)
        content_type, data = "", bytearray()
        async for body in self._stub.GetResultImage(request, metadata=as_user(), timeout=PICTURE_SECONDS):
            content_type = content_type or body.content_type
            data += body.data
        return Picture(content_type, bytes(data))
