"""Channels to upstreams: mutual TLS, propagation of request id, deadline and trace, retries for reads."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import grpc

from igemoji_mesh import call_context
from igemoji_mesh.auth.certificates import identity, read_pem
from igemoji_mesh.call_context import caller
from igemoji_mesh.observability import logging, tracing
from igemoji_mesh.settings import ServiceSettings
from igemoji_protos import rpcs

DEFAULT_TIMEOUT_SECONDS = 10.0


class Channels:
    """One channel to each upstream, opened on first use."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._address_of = settings.address_of
        self._credentials = channel_credentials(settings.tls_cert, settings.tls_key, settings.tls_ca)
        self._max_message_bytes = settings.max_message_bytes
        self._open: dict[str, grpc.aio.Channel] = {}

    def to(self, service: str) -> grpc.aio.Channel:
        """Return the channel to an upstream by its name in the mesh, such as `emoji-catalog`."""
        if service not in self._open:
            self._open[service] = secure_channel(
                self._address_of(service), service, self._credentials, self._max_message_bytes
            )
        return self._open[service]

    async def close(self) -> None:
        """Close all channels."""
        for channel in self._open.values():
            await channel.close()


def as_user() -> tuple[tuple[str, str], ...]:
    """Return metadata for a downstream call on behalf of the current user."""
    token = caller().token
    return (("authorization", f"Bearer {token}"),) if token else ()


def secure_channel(
    address: str, service: str, credentials: grpc.ChannelCredentials, max_message_bytes: int = 18 * 1024 * 1024
) -> grpc.aio.Channel:
    """Open a channel; the server must have the certificate of `service`."""
    options = [
        ("grpc.ssl_target_name_override", identity(service)),
        ("grpc.service_config", _service_config()),
        ("grpc.enable_retries", 1),
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_send_message_length", max_message_bytes),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2000),
        ("grpc.keepalive_time_ms", 30_000),
    ]
    interceptors: list[grpc.aio.ClientInterceptor] = [_ContextPropagation(), _ContextPropagationOfStreams()]
    target = address if "://" in address or address.startswith("dns:") else f"dns:///{address}"
    return grpc.aio.secure_channel(target, credentials, options=options, interceptors=interceptors)


def channel_credentials(cert: Path, key: Path, ca: Path) -> grpc.ChannelCredentials:
    """Load the certificate for mutual TLS. Raises StartError."""
    return grpc.ssl_channel_credentials(read_pem(ca), read_pem(key), read_pem(cert))


def _service_config() -> str:
    reads = [{"service": f"{rpc.package}.{rpc.service}", "method": rpc.name} for rpc in rpcs() if rpc.retryable]
    retry = {
        "maxAttempts": 4,
        "initialBackoff": "0.05s",
        "maxBackoff": "1s",
        "backoffMultiplier": 3,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    return json.dumps(
        {"loadBalancingConfig": [{"round_robin": {}}], "methodConfig": [{"name": reads, "retryPolicy": retry}]}
    )


class _ContextPropagation(grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        return await continuation(_with_context(details, DEFAULT_TIMEOUT_SECONDS), request)


class _ContextPropagationOfStreams(grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        return await continuation(_with_context(details, None), request)


def _with_context(details: Any, default_timeout: float | None) -> grpc.aio.ClientCallDetails:
    timeout = details.timeout if details.timeout is not None else default_timeout
    current = call_context.current()
    if current.deadline is not None:
        remaining = max(0.001, current.deadline - time.monotonic())
        timeout = remaining if timeout is None else min(timeout, remaining)
    metadata: Sequence[Any] = [*(details.metadata or ()), *tracing.propagation_headers()]
    if current.request_id:
        metadata = [*metadata, (logging.REQUEST_ID_HEADER, current.request_id)]
    return grpc.aio.ClientCallDetails(
        details.method, timeout, grpc.aio.Metadata(*metadata), details.credentials, details.wait_for_ready
    )
