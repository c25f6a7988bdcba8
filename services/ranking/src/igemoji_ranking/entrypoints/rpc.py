"""Servicer: parse, call a use case, map."""

import datetime

from google.protobuf.empty_pb2 import Empty

from igemoji.emoji_catalog.v1.emoji_catalog_pb2 import Emoji
from igemoji.ranking.v1 import ranking_pb2 as pb
from igemoji.ranking.v1 import ranking_pb2_grpc
from igemoji_mesh.interceptors.base import Context
from igemoji_ranking.domain.model import Use, Window
from igemoji_ranking.usecases.ranking import Ranking

SERVICE = "igemoji.ranking.v1.RankingService"

DEFAULT_LIMIT = 10


class RankingServicer(ranking_pb2_grpc.RankingServiceServicer):
    """RankingService of the contract."""

    def __init__(self, ranking: Ranking[Emoji]) -> None:
        self._ranking = ranking

    async def GetRanking(self, request: pb.GetRankingRequest, context: Context) -> pb.GetRankingResponse:
        window = Window[(request.window or "week").upper()]
        entries = await self._ranking.top(window, request.limit or DEFAULT_LIMIT)
        return pb.GetRankingResponse(
            entries=[pb.RankingEntry(rank=rank, emoji=template, uses=uses) for rank, template, uses in entries]
        )

    async def RecordUse(self, request: pb.RecordUseRequest, context: Context) -> Empty:
        await self._ranking.record(_use(request))
        return Empty()

    async def ForgetEmoji(self, request: pb.ForgetEmojiRequest, context: Context) -> Empty:
        await self._ranking.forget(request.emoji_id.lower())
        return Empty()

    async def SetEmojiShown(self, request: pb.SetEmojiShownRequest, context: Context) -> Empty:
        await self._ranking.set_shown(request.emoji_id.lower(), request.shown, request.revision)
        return Empty()

    async def DeleteUserData(self, request: pb.DeleteUserDataRequest, context: Context) -> Empty:
        await self._ranking.delete_user_data(request.user_id.lower())
        return Empty()


def _use(request: pb.RecordUseRequest) -> Use:
    ids = (request.task_id.lower(), request.emoji_id.lower(), request.user_id.lower())
    return Use(*ids, request.used_at.ToDatetime(datetime.UTC))
