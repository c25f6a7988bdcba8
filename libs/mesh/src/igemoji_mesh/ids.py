"""Identifiers: UUIDs of version 7 (RFC 9562), which sort by creation time."""

import datetime
import uuid

import uuid_utils


def new_id() -> str:
    """Return a new identifier."""
    return str(uuid_utils.uuid7())


def timestamp_of(identifier: str) -> datetime.datetime:
    """Return the creation time of an identifier, to the millisecond: its first 48 bits."""
    return datetime.datetime.fromtimestamp((uuid.UUID(identifier).int >> 80) / 1000, datetime.UTC)
