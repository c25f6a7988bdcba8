"""Overload manager: Envoy's behavior when memory or connections run out, as its guide for edges recommends.

https://www.envoyproxy.io/docs/envoy/latest/configuration/best_practices/edge
"""

from igemoji_gateway.config.options import GatewayOptions
from igemoji_gateway.config.protobuf import Config, extension, typed

HEAP = "envoy.resource_monitors.fixed_heap"
TRACKED_BYTES_LOG2 = 20
"""Streams that buffer at least 1 MiB can be reset."""


def overload(options: GatewayOptions) -> Config:
    """Return the section of the bootstrap."""
    return {
        "overload_manager": {
            "refresh_interval": "0.25s",
            "resource_monitors": [
                extension(
                    HEAP,
                    "envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
                    max_heap_size_bytes=options.max_heap_mib << 20,
                ),
                extension(
                    "envoy.resource_monitors.global_downstream_max_connections",
                    "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                    max_active_downstream_connections=options.max_connections,
                ),
            ],
            "actions": [
                _action("shrink_heap", _from(0.8)),
                # Close idle connections and silent streams sooner, the fuller the memory is.
                {
                    **_action("reduce_timeouts", _between(0.8, 0.95)),
                    "typed_config": typed(
                        "envoy.config.overload.v3.ScaleTimersOverloadActionConfig",
                        timer_scale_factors=[
                            {"timer": "HTTP_DOWNSTREAM_CONNECTION_IDLE", "min_timeout": "2s"},
                            {"timer": "TRANSPORT_SOCKET_CONNECT", "min_timeout": "2s"},
                            # Streams of progress have heartbeats more often than that.
                            {"timer": "HTTP_DOWNSTREAM_STREAM_IDLE", "min_timeout": "30s"},
                        ],
                    ),
                },
                _action("disable_http_keepalive", _from(0.9)),
                # The largest first: otherwise slow uploads could block all other clients.
                _action("reset_high_memory_stream", _between(0.92, 0.98)),
                _action("stop_accepting_requests", _from(0.95)),
            ],
            "buffer_factory_config": {"minimum_account_to_track_power_of_two": TRACKED_BYTES_LOG2},
        },
    }


def _action(name: str, trigger: Config) -> Config:
    return {"name": f"envoy.overload_actions.{name}", "triggers": [{"name": HEAP, **trigger}]}


def _from(share: float) -> Config:
    return {"threshold": {"value": share}}


def _between(first: float, full: float) -> Config:
    return {"scaled": {"scaling_threshold": first, "saturation_threshold": full}}
