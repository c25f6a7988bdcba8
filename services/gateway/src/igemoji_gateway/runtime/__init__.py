"""Running Envoy: its binary, its admin API, draining, the adaptive circuit breaker."""
