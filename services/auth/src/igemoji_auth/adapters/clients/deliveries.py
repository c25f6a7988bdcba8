"""Outbox deliveries: the catalog learns new aliases, and three services delete the data of deleted accounts."""

from collections.abc import Awaitable, Callable
from typing import Any

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2, emoji_catalog_pb2_grpc
from igemoji.inference.v1 import inference_pb2_grpc
from igemoji.ranking.v1 import ranking_pb2_grpc
from igemoji_auth.adapters.db.accounts import RENAME_MAKER
from igemoji_auth.adapters.db.deletions import USER_DATA, mark_done, topic
from igemoji_auth.adapters.db.tables import outbox
from igemoji_auth.usecases.ports import Now
from igemoji_mesh.clients.channels import Channels
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.outbox import Delivery, Outbox


def create_outbox(database: Database, channels: Channels, now: Now) -> Outbox:
    """Return the outbox of the service."""
    catalog = emoji_catalog_pb2_grpc.EmojiCatalogServiceStub(channels.to("emoji-catalog"))
    stubs: dict[str, Any] = {
        "emoji-catalog": catalog,
        "inference": inference_pb2_grpc.InferenceServiceStub(channels.to("inference")),
        "ranking": ranking_pb2_grpc.RankingServiceStub(channels.to("ranking")),
    }
    deliveries = {
        topic(service): Delivery(kind, _delete_in(service, stubs[service], database, now))
        for service, kind in USER_DATA.items()
    }
    rename = Delivery(emoji_catalog_pb2.RenameMakerRequest, catalog.RenameMaker)
    return Outbox(database, outbox, {RENAME_MAKER: rename, **deliveries})


def _delete_in(service: str, stub: Any, database: Database, now: Now) -> Callable[[Any], Awaitable[None]]:
    async def delete(request: Any) -> None:
        await stub.DeleteUserData(request)
        await database.write(lambda connection: mark_done(connection, request.user_id, service, now()))

    return delete
