"""Composition root of the inference service, of its Celery workers and of the audit."""

import asyncio
import datetime
import sys
from contextlib import closing
from functools import partial

from igemoji.auth.v1 import auth_pb2, auth_pb2_grpc
from igemoji.inference.v1.inference_pb2_grpc import add_InferenceServiceServicer_to_server
from igemoji_inference.adapters.clients.deliveries import RECORD_USE, deliveries
from igemoji_inference.adapters.clients.emoji_catalog import EmojiCatalog
from igemoji_inference.adapters.db import tables
from igemoji_inference.adapters.db.deletion import SqlDeletionStore
from igemoji_inference.adapters.db.leases import SqlLeaseStore
from igemoji_inference.adapters.db.messages import NoMessages, TaskMessages
from igemoji_inference.adapters.db.shares import SqlShareStore
from igemoji_inference.adapters.db.tasks import SqlTaskStore
from igemoji_inference.adapters.objects.audit import TaskReferences
from igemoji_inference.adapters.progress.memory import MemoryFeed
from igemoji_inference.adapters.queue.celery_runtime import Runtime
from igemoji_inference.adapters.queue.local import LocalQueue
from igemoji_inference.adapters.queue.photo_worker import NICENESS, Materials, Worker
from igemoji_inference.entrypoints.rpc import InferenceServicer
from igemoji_inference.entrypoints.settings import SERVICE, Settings, WorkerSettings, WorkSettings, check_backends
from igemoji_inference.usecases.deletion import Deletion
from igemoji_inference.usecases.orphans import GRACE, Orphans
from igemoji_inference.usecases.ports import ProgressFeed, TaskQueue
from igemoji_inference.usecases.retention import BATCH, Retention
from igemoji_inference.usecases.sharing import Sharing
from igemoji_inference.usecases.task_runner import TaskRunner
from igemoji_inference.usecases.tasks import Tasks
from igemoji_mesh.auth.jwks import jwks_source
from igemoji_mesh.auth.tokens import TokenVerifier
from igemoji_mesh.clients.channels import Channels
from igemoji_mesh.db.database import Database
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.db.outbox import Outbox, OutboxWriter
from igemoji_mesh.db.sweeps import sweep_forever
from igemoji_mesh.idempotency.keys import IdempotencyKeys
from igemoji_mesh.objects.audit import audit
from igemoji_mesh.objects.factory import object_store
from igemoji_mesh.objects.port import ObjectStore
from igemoji_mesh.observability.tracing import configure_tracing
from igemoji_mesh.server import Check, MeshServer
from igemoji_mesh.settings import StorageSettings
from igemoji_vision.sandbox.limits import photo_limits
from igemoji_vision.sandbox.program import Program

PACKAGE = "igemoji_inference"
GRPC_SERVICE = "igemoji.inference.v1.InferenceService"
RETENTION_SECONDS = 60.0


async def compose(settings: Settings, verifier: TokenVerifier | None = None) -> MeshServer:
    """Build the service; `verifier` replaces the one that fetches the keys of auth."""
    # Imported here, because workers would export its gauges, too.
    from igemoji_inference.adapters.queue.metrics import report_models, watch_queue

    check_backends(settings)
    await asyncio.to_thread(migrate, settings.database(SERVICE), PACKAGE)
    database = Database(settings.database(SERVICE))
    objects = inference_objects(settings)
    channels = Channels(settings)
    auth = auth_pb2_grpc.AuthServiceStub(channels.to("auth"))
    outbox = Outbox(database, tables.outbox, deliveries(channels))
    feed = progress_feed(settings)
    deletion_store = SqlDeletionStore(database)
    orphans = Orphans(deletion_store, objects)
    queue: TaskQueue
    messages: TaskMessages
    if settings.task_queue_url:
        from igemoji_inference.adapters.queue.celery import CeleryQueue  # not loaded if unused
        from igemoji_inference.adapters.queue.celery_app import celery_app

        queue = CeleryQueue(database, celery_app(settings.task_queue_url), settings.large_megapixels)
        messages = queue.messages
    else:
        messages = NoMessages()
        leases = SqlLeaseStore(database, messages, outbox)
        runner = TaskRunner(leases, objects, feed, settings.keep_original)
        queue = LocalQueue(leases, orphans, runner, workers(settings, objects, settings.worker_count))
    retention = Retention(deletion_store, objects, datetime.timedelta(days=settings.result_days))
    await asyncio.to_thread(objects.expire, retention.rules(settings.keep_original))
    tasks = Tasks(
        SqlTaskStore(database, messages),
        objects,
        EmojiCatalog(channels, objects),
        feed,
        queue,
        max_photo_bytes=settings.max_photo_bytes,
        quotas=settings.quotas,
        max_queued_tasks=settings.queue_limit,
    )
    sharing = Sharing(SqlShareStore(database), objects)
    servicer = InferenceServicer(tasks, sharing, Deletion(deletion_store, objects, queue))
    servicers = {GRPC_SERVICE: partial(add_InferenceServiceServicer_to_server, servicer)}
    verifier = verifier or TokenVerifier(jwks_source(lambda: auth.Jwks(auth_pb2.JwksRequest())))
    readiness: dict[str, Check] = {"database": database.check, "objects": partial(asyncio.to_thread, objects.check)}
    idempotency = IdempotencyKeys(database, tables.idempotency_keys)
    server = MeshServer(SERVICE, settings, servicers, verifier, readiness, idempotency)
    server.on_close(database.close, channels.close, feed.close, queue.close)
    expire = partial(sweep_forever, database, "retention", retention.sweep, batch=BATCH, seconds=RETENTION_SECONDS)
    server.background(outbox.run, feed.run, queue.run, orphans.run, expire, partial(watch_queue, database))
    await asyncio.to_thread(report_models, settings.models_dir)
    await queue.start()
    return server


def compose_worker(settings: WorkerSettings) -> Runtime:
    """Build the runtime of a Celery pool process, in it: the thread that sends spans does not survive a fork."""
    from igemoji_inference.adapters.queue.celery import worker_messages

    configure_tracing("inference-worker", settings.otel_exporter_otlp_endpoint)
    database = Database(settings.database(SERVICE))
    objects = inference_objects(settings)
    feed = progress_feed(settings)
    outbox = OutboxWriter(tables.outbox, [RECORD_USE])
    leases = SqlLeaseStore(database, worker_messages(settings.large_megapixels), outbox)
    (worker,) = workers(settings, objects, 1)
    return Runtime(database, feed, TaskRunner(leases, objects, feed, settings.keep_original), worker)


async def try_worker(settings: WorkSettings, objects: ObjectStore) -> None:
    """Start a worker and end it. Raises StartError if it can't work."""
    (worker,) = workers(settings, objects, 1)
    await worker.start()
    await worker.end()


async def check_objects(settings: StorageSettings, database: Database, *, remove_orphans: bool) -> bool:
    """Print an audit of the objects of all tasks; return whether none is damaged or missing. Raises StartError."""
    with closing(inference_objects(settings)) as objects:
        orphans = Orphans(SqlDeletionStore(database), objects)
        report = await audit(objects, TaskReferences(database, orphans))
        if remove_orphans:
            await orphans.sweep(GRACE)
    sys.stdout.write(report.report(SERVICE))
    return report.is_whole


def inference_objects(settings: StorageSettings) -> ObjectStore:
    """Return the object store of the service. Raises StartError."""
    return object_store(settings.objects(SERVICE), settings.object_store_credentials)


def progress_feed(settings: WorkSettings) -> ProgressFeed:
    """Return the feed on Redis, or the one in memory."""
    if not settings.progress_url:
        return MemoryFeed()
    from igemoji_inference.adapters.progress.redis import RedisFeed  # not loaded if unused

    return RedisFeed(settings.progress_url)


def workers(settings: WorkSettings, objects: ObjectStore, count: int) -> list[Worker]:
    """Return workers, which start their sandbox processes on demand."""
    limits = photo_limits(settings.task_memory_bytes, settings.task_seconds, NICENESS)
    program, materials = Program(limits, settings.models_dir.resolve(), settings.vision_engine), Materials(objects)
    return [Worker(program, materials) for _ in range(count)]
