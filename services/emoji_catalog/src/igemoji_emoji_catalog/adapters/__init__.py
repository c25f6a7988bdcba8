"""Implementations of the ports: database, object store, thumbnails."""
