"""Entities, rules and errors of the auth service."""
