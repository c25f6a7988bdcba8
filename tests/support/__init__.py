"""Shared by the suites: backends, users and HTTP clients."""
