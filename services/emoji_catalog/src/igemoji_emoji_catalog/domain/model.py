"""Templates: seven pictures, one per expression, with a name, tags and a visibility."""

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
"""They would reverse the text next to a name."""


class EmojiNotFound(NotFound):
    """There is no template with this id, or the caller may not see it."""


class PictureNotFound(NotFound):
    """The template does not have this picture any more."""


class NotYourEmoji(Forbidden):
    """Only its maker may change a template; built-in ones can't be changed."""


class EditConflict(Conflict):
    """The template was changed after the caller read it."""


class AccountGone(Forbidden):
    """The account was deleted; its last access token may still be valid."""


class InvalidTemplate(InvalidInput):
    """The name, the tags or some pictures are invalid; each has a field violation."""


class InvalidValue(Exception):
    """Why a name, a tag or a picture is invalid, as the rest of a sentence about it."""


@dataclass(frozen=True)
class Maker:
    """The account that owns a template."""

    id: str
    alias: str


SYSTEM = Maker("00000000-0000-7000-8000-000000000001", "igemoji")
"""The owner of the built-in templates."""


@dataclass(frozen=True)
class Viewer:
    """The caller who reads templates."""

    user_id: str | None = None
    """None without a login."""
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
    """Hidden by an operator."""
    revision: int = 1
    """Number of changes, from 1."""
    uses: int = 0
    favorites: int = 0

    @cached_property
    def etag(self) -> str:
        """Return a hash of everything that the maker can edit."""
        pictures = [self.digests[expression] for expression in EXPRESSIONS]
        edited = "\0".join([self.name, *pictures, self.visibility, *self.tags])
        return hashlib.sha256(edited.encode()).hexdigest()

    @property
    def listed(self) -> bool:
        """Return whether it appears in lists and in the ranking."""
        return self.visibility == PUBLIC and not self.hidden

    def is_visible_to(self, viewer: Viewer) -> bool:
        """Return whether a viewer may see it."""
        if viewer.user_id == self.owner.id:
            return True
        return self.visibility != PRIVATE and (viewer.operator or not self.hidden)

    def check_owned(self, by: str) -> None:
        """Raise NotYourEmoji unless the user `by` owns the template."""
        if self.built_in or self.owner.id != by:
            raise NotYourEmoji("This template is not yours: only its maker may change or delete it.")


@dataclass(frozen=True)
class Changes:
    """Changes to a template; None keeps a field."""

    name: str | None = None
    tags: tuple[str, ...] | None = None
    visibility: str | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    """Digests of the replaced pictures, by expression."""

    def apply_to(self, emoji: Emoji) -> Emoji:
        """Return the changed template, with the next revision."""
        return replace(
            emoji,
            name=emoji.name if self.name is None else self.name,
            tags=emoji.tags if self.tags is None else self.tags,
            visibility=self.visibility or emoji.visibility,
            digests={**emoji.digests, **self.digests},
            revision=emoji.revision + 1,
        )


@dataclass(frozen=True)
class Position:
    """A keyset position: the page starts after the template with this sort value and id."""

    value: int | datetime.datetime
    emoji_id: str


@dataclass(frozen=True)
class Page:
    """A page of a list of templates."""

    emojis: list[Emoji]
    total: int
    """Number of templates on all pages, as far as they were counted."""
    total_is_exact: bool
    after: Position | None
    """Position of the next page; None on the last page."""


@dataclass(frozen=True)
class Report:
    """A user's report of a template."""

    reason: str
    comment: str
    reported_at: datetime.datetime


@dataclass(frozen=True)
class ReportedEmoji:
    """A template in the operators' queue, with its reports."""

    emoji: Emoji
    total: int
    reports: list[Report]
    """The newest reports."""
    waiting_since: datetime.datetime


@dataclass(frozen=True)
class Picture:
    """A picture as it is stored."""

    png: bytes
    digest: str


@dataclass(frozen=True)
class Thumbnail:
    """A small WebP of a picture, for lists and small screens."""

    webp: bytes
    digest: str
    """Digest of the picture."""
    width: int


@dataclass(frozen=True)
class BuiltInTemplate:
    """A built-in template, as read from its folder."""

    slug: str
    name: str
    files: Mapping[str, bytes]
    """Picture files, by expression."""
    position: int
    """Position among the built-in templates, from 0."""

    @cached_property
    def source(self) -> str:
        """Return a hash of everything that the stored template is made from."""
        hashed = hashlib.sha256(f"{self.position}\0{self.name}".encode())
        for expression in EXPRESSIONS:
            hashed.update(hashlib.sha256(self.files[expression]).digest())
        return hashed.hexdigest()


def digest_of(data: bytes) -> str:
    """Return the SHA-256 of some bytes, as hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def template_name(given: str) -> str:
    """Return the name in Unicode normal form C, without surrounding white space. Raises InvalidValue."""
    name = unicodedata.normalize("NFC", given).strip()
    if not _is_visible(name):
        raise InvalidValue("is empty: a template needs a visible name")
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidValue(f"is longer than {MAX_NAME_LENGTH} characters")
    _check_one_line(name)
    return name


def normalize_text(text: str) -> str:
    """Return text in the form in which it is compared: NFKC, case-folded, single spaces."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(text.split())


def template_tags(given: Sequence[str]) -> tuple[str, ...]:
    """Return the tags in normalized form, without duplicates, in the given order. Raises InvalidValue."""
    tags = tuple(dict.fromkeys(normalize_text(tag) for tag in given))
    if len(tags) > MAX_TAGS:
        raise InvalidValue(f"are more than {MAX_TAGS}")
    for tag in tags:
        if not _is_visible(tag):
            raise InvalidValue("contain an empty one")
        if len(tag) > MAX_TAG_LENGTH:
            raise InvalidValue(f"contain one that is longer than {MAX_TAG_LENGTH} characters")
        _check_one_line(tag, verb="contain")
    return tags


def _is_visible(text: str) -> bool:
    return any(unicodedata.category(character)[0] not in "CZ" for character in text)


def _check_one_line(text: str, verb: str = "contains") -> None:
    if any(unicodedata.category(c) in _LINE_SEPARATORS or c in _DIRECTION_CONTROLS for c in text):
        raise InvalidValue(f"{verb} control characters")
