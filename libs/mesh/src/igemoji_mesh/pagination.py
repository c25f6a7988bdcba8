"""Page tokens: where a list goes on, in a form that clients hand back as it is.

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
    """A page token that is damaged, or of another list."""


def encoded(value: Value, last_id: str, question: str) -> str:
    """
    Args:
        value: What the list is sorted by, of the last entry of the page.
        last_id: Of the same entry, a UUID.
        question: What the list was asked for; the token is good for that only.
    """
    told = value.isoformat() if isinstance(value, datetime.datetime) else value
    token = json.dumps([_digest(question), told, last_id], separators=(",", ":"))
    return base64.urlsafe_b64encode(token.encode()).rstrip(b"=").decode()


def decoded(token: str, question: str, *, by_time: bool) -> tuple[Value, str]:
    """The value and the id. `by_time`: the list is sorted by instants, else by counts. Raises InvalidPageToken."""
    try:
        digest, value, last_id = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        at = _instant(value) if by_time else _count(value)
        if digest == _digest(question) and str(uuid.UUID(last_id)) == last_id:
            return at, last_id
    except (ValueError, TypeError, AttributeError, RecursionError):
        pass
    raise InvalidPageToken("This page token is not one of this list. Begin with the first page.")


def _instant(value: str) -> datetime.datetime:
    """As `encoded` tells it: in UTC. Elsewhere there are instants in year 1 that a database can't be asked for."""
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
