"""RPCs, the operator's command, settings and wiring of the auth service."""
