"""Page tokens: opaque positions in a list.

A token is not signed: it gives access to nothing that the list would not show.
"""

import base64
import datetime
import hashlib
import json
import uuid

from igemoji_mesh.errors import InvalidInput

Value = int | datetime.datetime


class InvalidPageToken(InvalidInput):
    """The page token is damaged, or of another list."""


def encode(value: Value, last_id: str, question: str) -> str:
    """Return the token of the page after an entry.

    Args:
        value: Sort value of the last entry of the page.
        last_id: UUID of the same entry.
        question: The query; the token is valid for it only.
    """
    position = value.isoformat() if isinstance(value, datetime.datetime) else value
    token = json.dumps([_digest(question), position, last_id], separators=(",", ":"))
    return base64.urlsafe_b64encode(token.encode()).rstrip(b"=").decode()


def decode(token: str, question: str, *, by_time: bool) -> tuple[Value, str]:
    """Return value and id of a token; `by_time`: values are instants, else counts. Raises InvalidPageToken."""
    try:
        digest, value, last_id = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        at = _instant(value) if by_time else _count(value)
        if digest == _digest(question) and str(uuid.UUID(last_id)) == last_id:
            return at, last_id
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass
    raise InvalidPageToken("This page token does not belong to this list. Start with the first page.")


def _instant(value: str) -> datetime.datetime:
    """Parse an instant in UTC. With another offset, an instant in year 1 could be out of a database's range."""
    at = datetime.datetime.fromisoformat(value)
    if at.utcoffset() != datetime.timedelta(0):
        raise ValueError
    return at


def _count(value: object) -> int:
    if type(value) is int and 0 <= value < 2**31:
        return value
    raise ValueError


def _digest(question: str) -> str:
    return hashlib.sha256(question.encode()).hexdigest()[:16]
