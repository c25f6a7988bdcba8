"""Entities, rules and errors."""
