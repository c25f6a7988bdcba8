"""The composition root of the inference service."""

import asyncio
import datetime
from functools import partial

from igemoji.inference.v1.inference_pb2_grpc import add_InferenceServiceServicer_to_server
from igemoji.ranking.v1 import ranking_pb2, ranking_pb2_grpc
from igemoji_inference.adapters.clients.emoji_catalog import EmojiCatalog
from igemoji_inference.adapters.db import tasks
from igemoji_inference.adapters.queue.local import LocalQueue, RowQueue
from igemoji_inference.adapters.queue.metrics import tell_models, watch_queue
from igemoji_inference.entrypoints.factories import inference_objects, progress_feed, worker_processes
from igemoji_inference.entrypoints.rpc import InferenceServicer
from igemoji_inference.entrypoints.settings import Settings, check_parts
from igemoji_inference.usecases.orphans import Orphans
from igemoji_inference.usecases.retention import Retention
from igemoji_inference.usecases.sharing import Belongings
from igemoji_inference.usecases.task_runner import RECORD_USE, TaskRunner
from igemoji_inference.usecases.tasks import Inference, Queue
from igemoji_mesh.auth.jwks import auth_keys
from igemoji_mesh.auth.tokens import TokenVerifier
from igemoji_mesh.clients.channels import Channels
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.db.outbox import Delivery, Outbox
from igemoji_mesh.idempotency.keys import IdempotencyKeys
from igemoji_mesh.server import MeshServer, run_service

SERVICE = "igemoji.inference.v1.InferenceService"


async def compose(settings: Settings, verifier: TokenVerifier | None = None) -> MeshServer:
    """Builds the service; `verifier` replaces the one that asks auth for its keys."""
    check_parts(settings)
    await asyncio.to_thread(migrate, settings.database("inference"), "igemoji_inference")
    database = Database(settings.database("inference"))
    objects = inference_objects(settings)
    channels = Channels(settings)
    ranking = ranking_pb2_grpc.RankingServiceStub(channels.to("ranking"))
    outbox = Outbox(database, tasks.outbox, {RECORD_USE: Delivery(ranking_pb2.RecordUseRequest, ranking.RecordUse)})
    feed = progress_feed(settings)
    orphans = Orphans(database, objects)
    queue: Queue
    if settings.task_queue_url:
        from igemoji_inference.adapters.queue.celery import CeleryQueue
        from igemoji_inference.adapters.queue.celery_app import celery_app  # not loaded where it is not used

        queue = CeleryQueue(database, celery_app(settings.task_queue_url), settings.large_megapixels)
    else:
        runner = TaskRunner(database, objects, feed, outbox, RowQueue(), settings.keep_original)
        queue = LocalQueue(database, orphans, runner, worker_processes(settings, objects, settings.worker_count))
    retention = Retention(database, objects, datetime.timedelta(days=settings.result_days))
    await asyncio.to_thread(objects.expire, retention.rules(settings.keep_original))
    inference = Inference(
        database,
        objects,
        EmojiCatalog(channels, objects),
        feed,
        queue,
        max_photo_bytes=settings.max_photo_bytes,
        limits=settings.quotas,
        max_queued_tasks=settings.queue_bound,
    )

    servicer = InferenceServicer(inference, Belongings(database, objects, queue))

    async def objects_ready() -> None:
        await asyncio.to_thread(objects.check)

    server = MeshServer(
        "inference",
        settings,
        {SERVICE: lambda server: add_InferenceServiceServicer_to_server(servicer, server)},
        verifier or TokenVerifier(auth_keys(channels)),
        {"database": database.check, "objects": objects_ready},
        IdempotencyKeys(database, tasks.idempotency_keys),
    )
    server.on_close(database.close)
    server.on_close(channels.close)
    server.on_close(feed.close)
    server.on_close(queue.close)
    server.background(outbox.run)
    server.background(feed.run)
    server.background(queue.run)
    server.background(orphans.run)
    server.background(retention.run)
    server.background(partial(watch_queue, database))
    await asyncio.to_thread(tell_models, settings.models_dir)
    await queue.start()
    return server


def main() -> None:
    run_service("inference", Settings, compose)


if __name__ == "__main__":
    main()
