"""Implementations of the ports of the ranking."""
