"""My page: what a user made, asked of the services that keep it."""

from collections.abc import Awaitable
from typing import TypeVar

import grpc

from igemoji.auth.v1 import auth_pb2 as pb
from igemoji.emoji_catalog.v1 import emoji_catalog_pb2, emoji_catalog_pb2_grpc
from igemoji.inference.v1 import inference_pb2, inference_pb2_grpc
from igemoji_mesh.clients.channels import as_user
from igemoji_mesh.pagination import InvalidPageToken

T = TypeVar("T")

PAGE_SIZE = 8


class MyPage:
    def __init__(self, inference: grpc.aio.Channel, emoji_catalog: grpc.aio.Channel) -> None:
        self._inference = inference_pb2_grpc.InferenceServiceStub(inference)
        self._emoji_catalog = emoji_catalog_pb2_grpc.EmojiCatalogServiceStub(emoji_catalog)

    async def results(self, user_id: str, page_number: int, page_token: str) -> pb.GetMyPageResponse:
        """Finished emoji photos, newest first; pages count from 1, or go on from a token. Raises InvalidPageToken."""
        request = inference_pb2.ListResultsRequest(
            user_id=user_id, page_number=page_number, page_size=PAGE_SIZE, page_token=page_token
        )
        answer = await _asked(self._inference.ListResults(request))
        return pb.GetMyPageResponse(
            results=answer.results,
            total=answer.total,
            total_is_exact=answer.total_is_exact,
            next_page_token=answer.next_page_token,
        )

    async def uploads(self, user_id: str, page_number: int, page_token: str) -> pb.GetMyPageResponse:
        """Templates, newest first, private ones included because the call is made as the user.

        Raises InvalidPageToken.
        """
        request = emoji_catalog_pb2.ListEmojisRequest(owner_id=user_id, page_number=page_number, page_token=page_token)
        answer = await _asked(self._emoji_catalog.ListEmojis(request, metadata=as_user()))
        return pb.GetMyPageResponse(
            emojis=answer.emojis,
            total=answer.total,
            total_is_exact=answer.total_is_exact,
            next_page_token=answer.next_page_token,
        )


async def _asked(call: Awaitable[T]) -> T:
    """The page token is all that the other service has from outside and this one has not checked."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        if error.code() != grpc.StatusCode.INVALID_ARGUMENT:
            raise
        raise InvalidPageToken("This page token is not one of this list. Begin with the first page.") from None
