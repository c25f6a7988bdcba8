"""Identifiers: UUIDs of version 7 (RFC 9562), whose order is the order in which they were made."""

import datetime
import uuid

import uuid_utils


def new_id() -> str:
    return str(uuid_utils.uuid7())


def made_at(identifier: str) -> datetime.datetime:
    """When an identifier was made, to the millisecond: its first 48 bits."""
    return datetime.datetime.fromtimestamp((uuid.UUID(identifier).int >> 80) / 1000, datetime.UTC)
