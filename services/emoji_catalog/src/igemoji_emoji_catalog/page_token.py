"""Page tokens: where a list goes on, in a form that clients hand back as it is."""

import base64
import datetime
import hashlib
import json

from igemoji_emoji_catalog.domain import After, InvalidPageToken


def encoded(after: After, question: str) -> str:
    """
    Args:
        after: The last template of the page.
        question: What the list was asked for; the token is good for that only.
    """
    value = after.value.isoformat() if isinstance(after.value, datetime.datetime) else after.value
    told = json.dumps([_digest(question), value, after.emoji_id], separators=(",", ":"))
    return base64.urlsafe_b64encode(told.encode()).rstrip(b"=").decode()


def decoded(token: str, question: str, *, by_time: bool) -> After:
    """`by_time`: the list is sorted by instants, else by numbers. Raises InvalidPageToken."""
    try:
        digest, value, emoji_id = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        at = datetime.datetime.fromisoformat(value) if by_time else _count(value)
        if digest == _digest(question) and isinstance(emoji_id, str) and len(emoji_id) == 36:
            return After(at, emoji_id)
    except (ValueError, TypeError, RecursionError):
        pass
    raise InvalidPageToken("This page token is not one of this list. Begin with the first page.")


def _count(value: object) -> int:
    if type(value) is int and 0 <= value < 2**31:
        return value
    raise ValueError


def _digest(question: str) -> str:
    return hashlib.sha256(question.encode()).hexdigest()[:16]
