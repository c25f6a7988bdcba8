"""Entities, rules and errors of the ranking."""
