"""Private backend servers on 127.0.0.1: database, message broker, progress feed, object store."""
