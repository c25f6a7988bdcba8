"""What templates are found by: words in their names, tags and makers, cut into pairs of characters.

Pairs work for Korean as for English, and need no parser of the database's. A pair or a tag is kept as a number, its
hash, so that no collation of a database has a say in what is equal.
"""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from igemoji_emoji_catalog.domain.model import After, Emoji, Viewer, folded

MAX_WORDS = 8
MAX_TERMS = 8
"""How many terms of a query are looked up in the index; what they let through is compared with the text."""


@dataclass(frozen=True)
class Search:
    """What a person looks for."""

    words: tuple[str, ...] = ()
    """All of them must be there. A word of one character is how a word begins, a longer one a part of one."""
    tag: str = ""
    """Empty: any."""

    @property
    def terms(self) -> list[int]:
        """Terms that everything found has: of the tag, and then of each word in turn, so that they tell the most."""
        found = [_tag_term(self.tag)] if self.tag else []
        for pairs in itertools.zip_longest(*map(_pairs, self.words)):
            found += [_term(pair) for pair in pairs if pair is not None]
        return list(dict.fromkeys(found))[:MAX_TERMS]

    @property
    def in_text(self) -> list[str]:
        """What everything found has in its `text_of`."""
        return [word if len(word) > 1 else f" {word}" for word in self.words]

    @property
    def in_text_alone(self) -> list[str]:
        """What of that the terms do not prove: pairs may stand apart, and some may be too many to be looked up."""
        terms = self.terms
        return [
            text
            for word, text in zip(self.words, self.in_text, strict=True)
            if len(word) > 2 or _term(text) not in terms
        ]


@dataclass(frozen=True)
class Wanted:
    """A page of a list."""

    search: Search
    sort: str
    """`new`, `popular` or `favorites`."""
    owner_id: str | None
    """Only of this maker."""
    unlisted_too: bool
    size: int
    favorites_of: Viewer | None = None
    """Only what is a favourite of this user, who must be able to see it; `new` is the order in which it became one."""
    skip: int = 0
    """How many templates come before the page."""
    after: After | None = None
    """Where the page begins, instead of `skip`."""

    @property
    def question(self) -> str:
        """The same for all pages of the list."""
        return repr((self.search, self.sort, self.owner_id, self.unlisted_too, self.favorites_of))


def _pairs(word: str) -> list[str]:
    return [f" {word}"] if len(word) == 1 else [word[i : i + 2] for i in range(len(word) - 1)]


def search_for(query: str, tag: str) -> Search:
    """Of a query as a person types it."""
    words = tuple(dict.fromkeys(folded(query).split()))[:MAX_WORDS]
    return Search(words, folded(tag))


def text_of(emoji: Emoji) -> str:
    """The words of a template, each behind a space."""
    return "".join(f" {word}" for word in _words(emoji))[:MAX_TEXT]


def terms_of(emoji: Emoji) -> set[int]:
    """The terms that a template is found by."""
    pairs = {marked[i : i + 2] for marked in (f" {word}" for word in _words(emoji)) for i in range(len(marked) - 1)}
    return {_term(pair) for pair in pairs} | {_tag_term(tag) for tag in emoji.tags}


MAX_TEXT = 1000
"""Characters of a template's text that are kept: of names whose letters fold into many, the rest is lost."""


def _words(emoji: Emoji) -> Sequence[str]:
    return folded(" ".join([emoji.name, *emoji.tags, emoji.owner.alias])).split()


def _term(pair: str) -> int:
    return _hash(f"pair:{pair}")


def _tag_term(tag: str) -> int:
    return _hash(f"tag:{tag}")


def _hash(text: str) -> int:
    """63 bits: the databases' integers have a sign."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1
