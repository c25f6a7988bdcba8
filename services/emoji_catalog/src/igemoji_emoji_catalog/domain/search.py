"""Bigram search: the words of names, tags and makers' aliases, cut into pairs of characters.

Bigrams work for Korean as for English and need no full-text parser in the database. A term, a bigram or a tag, is
stored as its hash, so that no collation of a database affects equality (docs/adr/0036).
"""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from igemoji_emoji_catalog.domain.model import Emoji, Position, Viewer, normalize_text

MAX_WORDS = 8
MAX_TERMS = 8
"""Terms of a query that are looked up in the index; the matches are then compared with the text."""


@dataclass(frozen=True)
class Search:
    """A parsed search query."""

    words: tuple[str, ...] = ()
    """All must match: a single character the beginning of a word, a longer word any part of one."""
    tag: str = ""
    """Empty matches any tag."""

    @property
    def terms(self) -> list[int]:
        """Return the most selective terms that every match has: the tag, then one bigram of each word in turn."""
        found = [_tag_term(self.tag)] if self.tag else []
        for bigrams in itertools.zip_longest(*map(_bigrams, self.words)):
            found += [_term(bigram) for bigram in bigrams if bigram is not None]
        return list(dict.fromkeys(found))[:MAX_TERMS]

    @property
    def in_text(self) -> list[str]:
        """Return the strings that every match has in its `search_text`."""
        return [word if len(word) > 1 else f" {word}" for word in self.words]

    @property
    def unproven_text(self) -> list[str]:
        """Return the strings that the terms don't prove: bigrams may be apart, and some exceed MAX_TERMS."""
        terms = self.terms
        return [
            text
            for word, text in zip(self.words, self.in_text, strict=True)
            if len(word) > 2 or _term(text) not in terms
        ]


@dataclass(frozen=True)
class PageRequest:
    """Parameters of a page of a list."""

    search: Search
    sort: str
    """`new`, `popular` or `favorites`."""
    owner_id: str | None
    """Only templates of this maker."""
    include_unlisted: bool
    size: int
    favorites_of: Viewer | None = None
    """Only favorites of this user that they may see; `new` then sorts by when they became favorites."""
    skip: int = 0
    """Templates before the page."""
    after: Position | None = None
    """Position of the page, instead of `skip`."""

    @property
    def list_key(self) -> str:
        """Return a key of the list, the same for all its pages."""
        return repr((self.search, self.sort, self.owner_id, self.include_unlisted, self.favorites_of))


def _bigrams(word: str) -> list[str]:
    return [f" {word}"] if len(word) == 1 else [word[i : i + 2] for i in range(len(word) - 1)]


def parse_search(query: str, tag: str) -> Search:
    """Parse a query as typed by a person."""
    words = tuple(dict.fromkeys(normalize_text(query).split()))[:MAX_WORDS]
    return Search(words, normalize_text(tag))


def search_text(emoji: Emoji) -> str:
    """Return the searchable words of a template, each after a space."""
    return "".join(f" {word}" for word in _words(emoji))[:MAX_TEXT]


def index_terms(emoji: Emoji) -> set[int]:
    """Return the terms under which a template is indexed."""
    bigrams = {marked[i : i + 2] for marked in (f" {word}" for word in _words(emoji)) for i in range(len(marked) - 1)}
    return {_term(bigram) for bigram in bigrams} | {_tag_term(tag) for tag in emoji.tags}


MAX_TEXT = 1000
"""Stored characters of a search text; some letters fold into several, and the rest is cut off."""


def _words(emoji: Emoji) -> Sequence[str]:
    return normalize_text(" ".join([emoji.name, *emoji.tags, emoji.owner.alias])).split()


def _term(bigram: str) -> int:
    return _hash(f"pair:{bigram}")


def _tag_term(tag: str) -> int:
    return _hash(f"tag:{tag}")


def _hash(text: str) -> int:
    """Return a hash of 63 bits: the databases' integers are signed."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1
