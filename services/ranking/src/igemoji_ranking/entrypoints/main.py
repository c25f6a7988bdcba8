"""The composition root of the ranking service."""

import asyncio
import datetime
from collections.abc import Callable
from functools import partial

from igemoji.emoji_catalog.v1 import emoji_catalog_pb2_grpc
from igemoji.ranking.v1 import ranking_pb2_grpc
from igemoji_mesh.auth.jwks import auth_keys
from igemoji_mesh.auth.tokens import TokenVerifier
from igemoji_mesh.clients.channels import Channels
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.server import MeshServer, run_service
from igemoji_ranking.adapters.clients.emoji_catalog import RememberingCatalogue
from igemoji_ranking.adapters.clients.use_count_publisher import TotalsTeller
from igemoji_ranking.adapters.db.counts import CountStore
from igemoji_ranking.entrypoints.rpc import SERVICE, RankingServicer
from igemoji_ranking.entrypoints.settings import Settings
from igemoji_ranking.usecases.ranking import Ranking


async def compose(
    settings: Settings,
    verifier: TokenVerifier | None = None,
    now: Callable[[], datetime.datetime] = utc_now,
) -> MeshServer:
    """Puts the service together; `verifier` and `now` stand in for auth's keys and the clock in tests.

    Raises StartError.
    """
    await asyncio.to_thread(migrate, settings.database("ranking"), "igemoji_ranking")
    database = Database(settings.database("ranking"))
    channels = Channels(settings)
    emoji_catalog = emoji_catalog_pb2_grpc.EmojiCatalogServiceStub(channels.to("emoji-catalog"))
    catalogue = RememberingCatalogue(emoji_catalog.BatchGetEmojis, settings.names_fresh_seconds)
    counts = CountStore(database)
    ranking = Ranking(counts, catalogue, now)
    teller = TotalsTeller(counts, emoji_catalog.UpdateUseCounts, settings.tell_uses_seconds)

    server = MeshServer(
        "ranking",
        settings,
        {SERVICE: partial(ranking_pb2_grpc.add_RankingServiceServicer_to_server, RankingServicer(ranking))},
        verifier or TokenVerifier(auth_keys(channels)),
        {"database": database.check},
    )
    server.background(teller.run)
    for close in (database.close, channels.close):
        server.on_close(close)
    return server


def main() -> None:
    run_service("ranking", Settings, compose)


if __name__ == "__main__":
    main()
