"""Deliveries of the outbox: a finished task is reported to the ranking, which counts the use of its template."""

import datetime

from igemoji.ranking.v1 import ranking_pb2, ranking_pb2_grpc
from igemoji_inference.domain.model import Task
from igemoji_mesh.clients.channels import Channels
from igemoji_mesh.db.outbox import Delivery
from igemoji_mesh.timestamps import to_timestamp

RECORD_USE = "ranking.RecordUse"


def deliveries(channels: Channels) -> dict[str, Delivery]:
    """Return the deliveries by topic."""
    ranking = ranking_pb2_grpc.RankingServiceStub(channels.to("ranking"))
    return {RECORD_USE: Delivery(ranking_pb2.RecordUseRequest, ranking.RecordUse)}


def record_use(task: Task, at: datetime.datetime) -> ranking_pb2.RecordUseRequest:
    """Return the message that reports a finished task."""
    return ranking_pb2.RecordUseRequest(
        task_id=task.id, emoji_id=task.emoji_id, user_id=task.user_id, used_at=to_timestamp(at)
    )
