"""Idempotency keys: a repeated call with the same key has one effect and one answer."""
