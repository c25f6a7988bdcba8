"""Bursts of calls: a page of the gallery loads its pictures at once, and browsers do not retry."""

import asyncio
from urllib.parse import urlsplit

import grpc

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2 as pb
from igemoji.emoji_catalog.v1 import emoji_catalog_pb2_grpc
from igemoji_client import EXPRESSIONS


async def test_sixty_concurrent_pictures_over_one_connection(mesh):
    async with grpc.aio.insecure_channel(urlsplit(mesh.url).netloc) as gateway:
        catalog = emoji_catalog_pb2_grpc.EmojiCatalogServiceStub(gateway)
        lists = [catalog.ListEmojis(pb.ListEmojisRequest(page_number=1)) for _ in range(10)]
        emojis = (await lists[0]).emojis
        wanted = [(emoji.id, expression) for emoji in emojis for expression in EXPRESSIONS] * 2
        pictures = [
            catalog.GetEmojiImage(pb.GetEmojiImageRequest(id=emoji_id, expression=expression))
            for emoji_id, expression in wanted[:60]
        ]
        assert all(image.data for image in await asyncio.gather(*pictures))
        assert all(found.emojis for found in await asyncio.gather(*lists))
