"""Emoji templates: seven pictures under one name, one picture an expression."""

import datetime
import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from igemoji_mesh.errors import Conflict, Forbidden, InvalidInput, NotFound

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

MAX_NAME_LENGTH = 50
MAX_TAGS = 10
MAX_TAG_LENGTH = 20

PUBLIC, UNLISTED, PRIVATE = "public", "unlisted", "private"

_LINE_SEPARATORS = ("Cc", "Zl", "Zp")
_DIRECTION_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They would turn round the text that stands beside a name."""


class EmojiNotFound(NotFound):
    """There is no template with this id."""


class PictureNotFound(NotFound):
    """The template has no such picture now."""


class NotYourEmoji(Forbidden):
    """Only its maker may change a template; a built-in one, nobody."""


class EditConflict(Conflict):
    """The template was changed after the caller had read it."""


class AccountGone(Forbidden):
    """The account was deleted: it makes nothing new, though its last access token may not have expired yet."""


class InvalidTemplate(InvalidInput):
    """The name, the tags or some pictures can't be taken; each is named in a field violation."""


class Unfit(Exception):
    """Why one name or one picture can't be taken, in words for the person who gave it."""


@dataclass(frozen=True)
class Maker:
    id: str
    alias: str


SYSTEM = Maker("00000000-0000-7000-8000-000000000001", "igemoji")
"""Owns the built-in templates."""


@dataclass(frozen=True)
class Viewer:
    """Who looks at templates."""

    user_id: str | None = None
    """None: nobody is logged in."""
    operator: bool = False


@dataclass(frozen=True)
class Emoji:
    """A template."""

    id: str
    name: str
    owner: Maker
    digests: Mapping[str, str]
    """SHA-256 of the stored picture, as hexadecimal digits, by expression."""
    created_at: datetime.datetime
    built_in: bool = False
    tags: tuple[str, ...] = ()
    visibility: str = PUBLIC
    hidden: bool = False
    """By a moderator."""
    revision: int = 1
    """Counts the changes."""
    uses: int = 0
    favorites: int = 0

    @cached_property
    def etag(self) -> str:
        """Changes whenever something does that its maker gave it."""
        pictures = [self.digests[expression] for expression in EXPRESSIONS]
        told = "\0".join([self.name, *pictures, self.visibility, *self.tags])
        return hashlib.sha256(told.encode()).hexdigest()

    @property
    def listed(self) -> bool:
        """Whether it stands in lists and in the ranking."""
        return self.visibility == PUBLIC and not self.hidden

    def is_visible_to(self, viewer: Viewer) -> bool:
        if viewer.user_id == self.owner.id:
            return True
        return self.visibility != PRIVATE and (viewer.operator or not self.hidden)

    def check_owned(self, by: str) -> None:
        """Raises NotYourEmoji unless the user `by` made the template."""
        if self.built_in or self.owner.id != by:
            raise NotYourEmoji("This template is not yours: only its maker may change or delete it.")


@dataclass(frozen=True)
class Changes:
    """What becomes different in a template; None: that stays."""

    name: str | None = None
    tags: tuple[str, ...] | None = None
    visibility: str | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    """Of the pictures that are replaced, by expression."""

    def made_to(self, emoji: Emoji) -> Emoji:
        return replace(
            emoji,
            name=emoji.name if self.name is None else self.name,
            tags=emoji.tags if self.tags is None else self.tags,
            visibility=self.visibility or emoji.visibility,
            digests={**emoji.digests, **self.digests},
            revision=emoji.revision + 1,
        )


@dataclass(frozen=True)
class After:
    """Where a list goes on: after the template with this place in the order."""

    value: int | datetime.datetime
    emoji_id: str


@dataclass(frozen=True)
class Page:
    emojis: list[Emoji]
    total: int
    """How many there are on all pages, or how many were counted."""
    total_is_exact: bool
    after: After | None
    """Where the next page begins; None: this is the last one."""


@dataclass(frozen=True)
class Report:
    """Why a user thinks that a template should not be public."""

    reason: str
    comment: str
    reported_at: datetime.datetime


@dataclass(frozen=True)
class Reported:
    """A template in the operators' queue."""

    emoji: Emoji
    total: int
    reports: list[Report]
    """The newest ones."""
    waiting_since: datetime.datetime


@dataclass(frozen=True)
class Picture:
    png: bytes
    digest: str


@dataclass(frozen=True)
class SmallCopy:
    """Of a picture, for lists and small screens."""

    webp: bytes
    digest: str
    """Of the picture."""
    width: int


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
    if not _can_be_seen(name):
        raise Unfit("is empty: a template needs a name that can be seen")
    if len(name) > MAX_NAME_LENGTH:
        raise Unfit(f"is longer than {MAX_NAME_LENGTH} characters")
    _check_one_line(name)
    return name


def folded(text: str) -> str:
    """Text as it is compared: what looks alike is alike, capitals or not, with single spaces."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(text.split())


def template_tags(given: Sequence[str]) -> tuple[str, ...]:
    """Tags as they are compared, without double ones, in the order given. Raises Unfit."""
    tags = tuple(dict.fromkeys(folded(tag) for tag in given))
    if len(tags) > MAX_TAGS:
        raise Unfit(f"are more than {MAX_TAGS}")
    for tag in tags:
        if not _can_be_seen(tag):
            raise Unfit("have an empty one among them")
        if len(tag) > MAX_TAG_LENGTH:
            raise Unfit(f"have one that is longer than {MAX_TAG_LENGTH} characters")
        _check_one_line(tag, verb="have")
    return tags


def _can_be_seen(text: str) -> bool:
    return any(unicodedata.category(character)[0] not in "CZ" for character in text)


def _check_one_line(text: str, verb: str = "has") -> None:
    if any(unicodedata.category(c) in _LINE_SEPARATORS or c in _DIRECTION_CONTROLS for c in text):
        raise Unfit(f"{verb} control characters in it")
