"""Composition root: builds the adapters, the use cases and the server."""

import asyncio
from functools import partial

from igemoji.auth.v1 import auth_pb2, auth_pb2_grpc
from igemoji.ranking.v1 import ranking_pb2_grpc
from igemoji_mesh.auth.jwks import jwks_source
from igemoji_mesh.auth.tokens import TokenVerifier
from igemoji_mesh.clients.channels import Channels
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.server import MeshServer
from igemoji_ranking.adapters.clients.emoji_catalog import CachingCatalogClient
from igemoji_ranking.adapters.db.use_counts import SqlUseCounts
from igemoji_ranking.entrypoints.rpc import SERVICE, RankingServicer
from igemoji_ranking.entrypoints.settings import Settings
from igemoji_ranking.usecases.ports import Now
from igemoji_ranking.usecases.ranking import Ranking
from igemoji_ranking.usecases.use_count_publisher import publish_use_counts

NAME = "ranking"


async def compose(settings: Settings, verifier: TokenVerifier | None = None, now: Now = utc_now) -> MeshServer:
    """Build the service; tests replace `verifier` and `now`. Raises StartError."""
    url = settings.database(NAME)
    await asyncio.to_thread(migrate, url, "igemoji_ranking")
    database = Database(url)
    channels = Channels(settings)
    auth = auth_pb2_grpc.AuthServiceStub(channels.to("auth"))
    catalog = CachingCatalogClient(channels.to("emoji-catalog"), settings.names_fresh_seconds)
    counts = SqlUseCounts(database)
    servicer = RankingServicer(Ranking(counts, catalog, now))
    servicers = {SERVICE: partial(ranking_pb2_grpc.add_RankingServiceServicer_to_server, servicer)}
    verifier = verifier or TokenVerifier(jwks_source(lambda: auth.Jwks(auth_pb2.JwksRequest())))
    server = MeshServer(NAME, settings, servicers, verifier, {"database": database.check})
    server.background(partial(publish_use_counts, counts, catalog, settings.tell_uses_seconds))
    server.on_close(database.close, channels.close)
    return server
