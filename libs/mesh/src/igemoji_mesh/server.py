"""Server of a service: mutual TLS, interceptors, health on a TCP port of its own, metrics, graceful stop."""

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection
from prometheus_client import start_http_server

from igemoji_mesh.auth.certificates import expires_at, read_pem
from igemoji_mesh.auth.tokens import TokenVerifier
from igemoji_mesh.errors import StartError
from igemoji_mesh.idempotency.interceptor import IdempotencyInterceptor
from igemoji_mesh.idempotency.keys import IdempotencyKeys
from igemoji_mesh.interceptors.access import AccessInterceptor, policies_for
from igemoji_mesh.interceptors.admission import AdmissionInterceptor
from igemoji_mesh.interceptors.deadline import DeadlineInterceptor
from igemoji_mesh.interceptors.drain import DrainInterceptor
from igemoji_mesh.interceptors.errors import ErrorInterceptor
from igemoji_mesh.interceptors.handler_cache import HandlerCacheInterceptor
from igemoji_mesh.interceptors.http_status import HttpStatusInterceptor
from igemoji_mesh.interceptors.telemetry import TelemetryInterceptor
from igemoji_mesh.interceptors.validation import ValidationInterceptor
from igemoji_mesh.observability import metrics
from igemoji_mesh.observability.logging import configure_logging, log
from igemoji_mesh.observability.tracing import close_tracing, configure_tracing
from igemoji_mesh.settings import ServiceSettings, SettingsT, load_settings

LIVE = "live"
"""Name of liveness in the health service, which checks no dependency; the empty name is readiness."""

READINESS_INTERVAL_SECONDS = 2.0

REFUSE_SECONDS = 1.0
"""Maximum time in which new calls are refused before the server closes."""
QUIET_SECONDS = 0.1
"""After this time without a new call, all clients have noticed."""

METADATA_BYTES = 64 << 10

READY = metrics.gauge(metrics.READY)
BUILD = metrics.gauge(metrics.BUILD_INFO)
CERTIFICATE_EXPIRES = metrics.gauge(metrics.CERTIFICATE_EXPIRES)

Check = Callable[[], Awaitable[None]]


class MeshServer:
    """Server of a service. `start`, then `stop`; or `run` does both."""

    def __init__(
        self,
        name: str,
        settings: ServiceSettings,
        servicers: Mapping[str, Callable[[grpc.aio.Server], None]],
        verifier: TokenVerifier,
        readiness: Mapping[str, Check],
        idempotency_keys: IdempotencyKeys | None = None,
    ) -> None:
        """Create a server that does not listen yet.

        Args:
            name: Name of the service in the mesh, such as `emoji-catalog`.
            settings: Addresses, certificate and limits.
            servicers: Functions that add a servicer to a server, by full service name in the contract.
            verifier: Verifies access tokens.
            readiness: Checks of dependencies by name; a check raises while the dependency does not answer.
            idempotency_keys: Store of answers; without it the header `Idempotency-Key` is ignored.

        Raises:
            StartError: An RPC has no access level, or a certificate can't be read.
        """
        self.name = name
        self.port = 0
        self.health_port = 0
        self._settings = settings
        self._readiness = dict(readiness)
        self._health = health_aio.HealthServicer()
        self._background: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self._closers: list[Check] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._metrics: Any = None
        self._drain = DrainInterceptor()
        policies = policies_for(servicers)
        self._credentials = server_credentials(settings)
        innermost: list[grpc.aio.ServerInterceptor] = []
        if idempotency_keys is not None:
            innermost.append(IdempotencyInterceptor(policies, idempotency_keys))
            self.background(idempotency_keys.run)
        streaming = frozenset(path for path, rpc in policies.items() if rpc.server_streaming)
        self._server = grpc.aio.server(
            interceptors=[
                HandlerCacheInterceptor(),
                TelemetryInterceptor(),
                ErrorInterceptor(),
                self._drain,
                AdmissionInterceptor(settings.max_calls, settings.max_streams, streaming),
                DeadlineInterceptor(settings.rpc_deadline_seconds, streaming),
                AccessInterceptor(policies, verifier),
                ValidationInterceptor(),
                HttpStatusInterceptor(policies),
                *innermost,
            ],
            options=_server_options(settings),
        )
        for add in servicers.values():
            add(self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if settings.environment == "development":
            reflection.enable_server_reflection([*servicers, reflection.SERVICE_NAME], self._server)
        self._probes = grpc.aio.server()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._probes)

    def background(self, *jobs: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run jobs in the background until the server stops."""
        self._background.extend(jobs)

    def on_close(self, *closers: Check) -> None:
        """Call functions after the server has stopped, in reverse order of registration."""
        self._closers.extend(closers)

    async def start(self) -> None:
        """Start to listen. Raises StartError if a TCP port is in use."""
        self.port = self._bind(self._server, self._settings.listen, self._credentials)
        self.health_port = self._bind(self._probes, self._settings.health_listen, None)
        self._start_metrics()
        await self._health.set(LIVE, health_pb2.HealthCheckResponse.SERVING)
        await self._set_ready(False)
        await self._probes.start()
        await self._server.start()
        await self._check_readiness()
        self._tasks.append(asyncio.create_task(self._watch_readiness()))
        self._tasks.extend(asyncio.create_task(self._guard(work)) for work in self._background)
        log.info("service.started", listen=self._settings.listen, port=self.port)

    async def stop(self) -> None:
        """Stop gracefully: report NOT_SERVING, wait for clients to notice, refuse new calls, finish those in flight."""
        for task in self._tasks[:1]:
            task.cancel()
        await self._health.enter_graceful_shutdown()
        await asyncio.sleep(self._settings.drain_seconds)
        await self._drain.drain(QUIET_SECONDS, REFUSE_SECONDS)
        await asyncio.gather(
            self._server.stop(self._settings.stop_grace_seconds), self._probes.stop(None), self._stop_metrics()
        )
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for close in reversed(self._closers):
            await close()
        log.info("service.stopped")

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, stopping.set)
        await self.start()
        freeze_gc()
        await stopping.wait()
        await self.stop()

    def _bind(self, server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials | None) -> int:
        try:
            return server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
        except RuntimeError:
            raise StartError(f"{self.name} can't listen on {address}: is the port in use?") from None

    def _start_metrics(self) -> None:
        host, _, port = self._settings.metrics_listen.rpartition(":")
        BUILD.labels(self.name, self._settings.version).set(1)
        CERTIFICATE_EXPIRES.set(expires_at(read_pem(self._settings.tls_cert)).timestamp())
        try:
            self._metrics, _ = start_http_server(int(port), host)
        except OSError as error:
            address = self._settings.metrics_listen
            raise StartError(f"{self.name} can't serve metrics on {address}: {error.strerror}.") from None

    async def _stop_metrics(self) -> None:
        """Stop the metrics server in a thread: its shutdown blocks for up to half a second."""
        if self._metrics is not None:
            await asyncio.to_thread(self._metrics.shutdown)
            self._metrics.server_close()

    async def _watch_readiness(self) -> None:
        while True:
            await asyncio.sleep(READINESS_INTERVAL_SECONDS)
            await self._check_readiness()

    async def _check_readiness(self) -> None:
        found = [await self._is_ready(name, check) for name, check in self._readiness.items()]
        await self._set_ready(all(found))

    async def _is_ready(self, name: str, check: Check) -> bool:
        try:
            async with asyncio.timeout(READINESS_INTERVAL_SECONDS):
                await check()
        except Exception as error:
            log.warning("service.not_ready", dependency=name, error=repr(error))
            READY.labels(name).set(0)
            return False
        READY.labels(name).set(1)
        return True

    async def _set_ready(self, ready: bool) -> None:
        status = health_pb2.HealthCheckResponse.SERVING if ready else health_pb2.HealthCheckResponse.NOT_SERVING
        await self._health.set("", status)

    async def _guard(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Restart a background job after an error."""
        while True:
            try:
                await work()
                return
            except Exception:
                log.exception("service.background_job_failed")
                await asyncio.sleep(1)


Compose = Callable[[SettingsT], Awaitable[MeshServer]]


def run_service(name: str, kind: type[SettingsT], compose: Compose[SettingsT]) -> None:
    """Run a service: settings, logs, composition, server. Exit with 2 and one sentence if it can't start."""

    async def compose_and_run() -> None:
        server = await compose(settings)
        await server.run()

    try:
        settings = load_settings(kind)
        configure_logging(name, settings.log_level)
        configure_tracing(name, settings.otel_exporter_otlp_endpoint)
        asyncio.run(compose_and_run())
    except StartError as error:
        with contextlib.suppress(BrokenPipeError):
            sys.stderr.write(f"{name} can't start. {error}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        close_tracing()


def freeze_gc() -> None:
    """Exclude the objects of the start from garbage collection.

    Otherwise a full collection stops calls for a tenth of a second.
    """
    gc.collect()
    gc.freeze()


def server_credentials(settings: ServiceSettings) -> grpc.ServerCredentials:
    """Load the certificate for mutual TLS: clients need one of the mesh's authority. Raises StartError."""
    pair = (read_pem(settings.tls_key), read_pem(settings.tls_cert))
    return grpc.ssl_server_credentials([pair], root_certificates=read_pem(settings.tls_ca), require_client_auth=True)


def _server_options(settings: ServiceSettings) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        # All headers of a call. Higher than the gateway's limit: its error has the form of the contract.
        ("grpc.max_metadata_size", METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", METADATA_BYTES),
        ("grpc.max_connection_age_ms", settings.max_connection_age_seconds * 1000),
        ("grpc.max_connection_age_grace_ms", 3600 * 1000),
        ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.so_reuseport", 0),
    ]
