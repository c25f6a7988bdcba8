"""Wiring: the composition root of the service."""

import asyncio
from functools import partial

from igemoji.auth.v1 import auth_pb2, auth_pb2_grpc
from igemoji.emoji_catalog.v1.emoji_catalog_pb2_grpc import add_EmojiCatalogServiceServicer_to_server
from igemoji.ranking.v1 import ranking_pb2, ranking_pb2_grpc
from igemoji_emoji_catalog.adapters.builtin_templates import read_built_in_templates
from igemoji_emoji_catalog.adapters.db.emojis import FORGET_EMOJI, SET_EMOJI_SHOWN, EmojiStore
from igemoji_emoji_catalog.adapters.db.tables import idempotency_keys, outbox
from igemoji_emoji_catalog.adapters.objects.pictures import PictureStore, PictureSweep
from igemoji_emoji_catalog.adapters.picture_sandbox import SandboxedPictures
from igemoji_emoji_catalog.adapters.thumbnails import ThumbnailCache
from igemoji_emoji_catalog.entrypoints.rpc import SERVICE, EmojiCatalogServicer
from igemoji_emoji_catalog.entrypoints.settings import Settings
from igemoji_emoji_catalog.usecases.catalog import Catalog
from igemoji_mesh.auth.jwks import jwks_source
from igemoji_mesh.auth.tokens import TokenVerifier
from igemoji_mesh.clients.channels import Channels
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.db.outbox import Delivery, Outbox
from igemoji_mesh.idempotency.keys import IdempotencyKeys
from igemoji_mesh.objects.factory import object_store
from igemoji_mesh.server import Check, MeshServer
from igemoji_mesh.settings import MIB


async def compose(settings: Settings, verifier: TokenVerifier | None = None) -> MeshServer:
    """Build the service; tests pass a `verifier` instead of the keys of auth. Raises StartError."""
    built_ins = await asyncio.to_thread(read_built_in_templates, settings.builtin_dir) if settings.builtin_dir else []
    await asyncio.to_thread(migrate, settings.database("emoji-catalog"), "igemoji_emoji_catalog")
    database = Database(settings.database("emoji-catalog"))
    objects = object_store(settings.objects("emoji-catalog"), settings.object_store_credentials)
    channels = Channels(settings)
    auth = auth_pb2_grpc.AuthServiceStub(channels.to("auth"))
    ranking = ranking_pb2_grpc.RankingServiceStub(channels.to("ranking"))
    forget = Delivery(ranking_pb2.ForgetEmojiRequest, ranking.ForgetEmoji)
    show = Delivery(ranking_pb2.SetEmojiShownRequest, ranking.SetEmojiShown)
    messages = Outbox(database, outbox, {FORGET_EMOJI: forget, SET_EMOJI_SHOWN: show})
    pictures = PictureStore(objects)
    sweep = PictureSweep(database, objects)
    sandbox = SandboxedPictures(settings.picture_threads)
    thumbnails = ThumbnailCache(pictures, sandbox.thumbnail, settings.small_pictures_mib * MIB)
    catalog = Catalog(EmojiStore(database, messages, sweep.wake), pictures, thumbnails, sandbox.normalize, utc_now)
    await catalog.seed(built_ins)

    servicers = {SERVICE: partial(add_EmojiCatalogServiceServicer_to_server, EmojiCatalogServicer(catalog))}
    verifier = verifier or TokenVerifier(jwks_source(lambda: auth.Jwks(auth_pb2.JwksRequest())))
    objects_ready = partial(asyncio.to_thread, objects.check)
    readiness: dict[str, Check] = {"database": database.check, "object store": objects_ready}
    idempotency = IdempotencyKeys(database, idempotency_keys)
    server = MeshServer("emoji-catalog", settings, servicers, verifier, readiness, idempotency)
    server.background(messages.run, sweep.run)
    server.on_close(database.close, channels.close, sandbox.close)
    return server
