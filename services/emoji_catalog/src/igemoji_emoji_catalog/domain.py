"""Emoji templates: seven pictures under one name, one picture an expression."""

import datetime
import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from igemoji_mesh.errors import Forbidden, InvalidInput, NotFound

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

MAX_NAME_LENGTH = 50

_LINE_SEPARATORS = ("Cc", "Zl", "Zp")
_DIRECTION_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They would turn round the text that stands beside a name."""


class EmojiNotFound(NotFound):
    """There is no template with this id."""


class PictureNotFound(NotFound):
    """The template has no such picture now."""


class NotYourEmoji(Forbidden):
    """Only its maker may change a template; a built-in one, nobody."""


class AccountGone(Forbidden):
    """The account was deleted: it makes nothing new, though its last access token may not have expired yet."""


class InvalidTemplate(InvalidInput):
    """The name or some pictures can't be taken; each is named in a field violation."""


class Unfit(Exception):
    """Why one name or one picture can't be taken, in words for the person who gave it."""


@dataclass(frozen=True)
class Maker:
    id: str
    alias: str


SYSTEM = Maker("00000000-0000-7000-8000-000000000001", "igemoji")
"""Owns the built-in templates."""


@dataclass(frozen=True)
class Emoji:
    """A template as others see it."""

    id: str
    name: str
    owner: Maker
    digests: Mapping[str, str]
    """SHA-256 of the stored picture, as hexadecimal digits, by expression."""
    created_at: datetime.datetime
    built_in: bool = False

    @cached_property
    def etag(self) -> str:
        """Changes whenever the name or a picture does."""
        told = "\0".join([self.name, *(self.digests[expression] for expression in EXPRESSIONS)])
        return hashlib.sha256(told.encode()).hexdigest()

    def check_deletable(self, by: str) -> None:
        """Raises NotYourEmoji unless the user `by` made the template."""
        if self.built_in or self.owner.id != by:
            raise NotYourEmoji("This template is not yours: only its maker may delete it.")


@dataclass(frozen=True)
class Page:
    emojis: list[Emoji]
    total: int
    """How many there are on all pages."""


@dataclass(frozen=True)
class Picture:
    png: bytes
    digest: str


@dataclass(frozen=True)
class BuiltIn:
    """A template that comes with IGE MOJI, as it lies in its folder."""

    slug: str
    name: str
    files: Mapping[str, bytes]
    """The picture files by expression."""
    position: int
    """Among the built-in templates, from 0."""

    @cached_property
    def source(self) -> str:
        """Changes whenever anything does that the stored template is made from."""
        hashed = hashlib.sha256(f"{self.position}\0{self.name}".encode())
        for expression in EXPRESSIONS:
            hashed.update(hashlib.sha256(self.files[expression]).digest())
        return hashed.hexdigest()


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def template_name(given: str) -> str:
    """The name in Unicode normal form C, without white space around it. Raises Unfit."""
    name = unicodedata.normalize("NFC", given).strip()
    if not any(unicodedata.category(character)[0] not in "CZ" for character in name):
        raise Unfit("is empty: a template needs a name that can be seen")
    if len(name) > MAX_NAME_LENGTH:
        raise Unfit(f"is longer than {MAX_NAME_LENGTH} characters")
    if any(unicodedata.category(c) in _LINE_SEPARATORS or c in _DIRECTION_CONTROLS for c in name):
        raise Unfit("has control characters in it")
    return name
