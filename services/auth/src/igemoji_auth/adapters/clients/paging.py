"""Helpers of the clients: pages of lists, objects that were deleted in the meantime, JSON of messages."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from igemoji_mesh.pagination import InvalidPageToken

T = TypeVar("T")

PICTURE_SECONDS = 60
"""Timeout for one picture."""


async def page(call: Awaitable[T]) -> T:
    """Await the page of a list. The page token is the only input that was not validated: raises InvalidPageToken."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        if error.code() != grpc.StatusCode.INVALID_ARGUMENT:
            raise
        raise InvalidPageToken("This page token belongs to another list. Start with the first page.") from None


async def all_pages(read: Callable[[str], Awaitable[Any]]) -> list[Any]:
    """Return the pages that `read` returns for their tokens, from the first to the last."""
    pages = [await read("")]
    while pages[-1].next_page_token:
        pages.append(await read(pages[-1].next_page_token))
    return pages


async def unless_deleted(call: Awaitable[T]) -> T | None:
    """Await a call; return None if the object was deleted since it was listed."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        if error.code() != grpc.StatusCode.NOT_FOUND:
            raise
        return None


def to_fields(message: Message) -> dict[str, Any]:
    """Return a message as in the JSON of the API."""
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
