"""Foundation of the services: server, interceptors, databases, object store, clients, telemetry."""
