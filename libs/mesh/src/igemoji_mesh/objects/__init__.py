"""Object store: port, adapters, checksums and audit."""
