"""Identifiers: UUIDs of version 7 (RFC 9562), whose order is the order in which they were made."""

import uuid_utils


def new_id() -> str:
    return str(uuid_utils.uuid7())
