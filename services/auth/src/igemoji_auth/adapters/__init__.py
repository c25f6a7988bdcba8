"""Implementations of the ports of the auth service."""
