"""Random histories of create, share, favorite, moderate and delete calls, compared with a simple model."""

import asyncio
import itertools
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test

from igemoji_emoji_catalog.adapters.db.emojis import FORGET_EMOJI, SET_EMOJI_SHOWN, EmojiStore
from igemoji_emoji_catalog.adapters.db.tables import outbox
from igemoji_emoji_catalog.adapters.objects.pictures import PictureStore, PictureSweep
from igemoji_emoji_catalog.adapters.thumbnails import ThumbnailCache
from igemoji_emoji_catalog.domain.model import (
    EXPRESSIONS,
    AccountGone,
    EditConflict,
    EmojiNotFound,
    Maker,
    NotYourEmoji,
    Viewer,
)
from igemoji_emoji_catalog.usecases.catalog import Catalog, ListQuery
from igemoji_emoji_catalog.usecases.drafts import Draft
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.db.outbox import Delivery, Outbox
from igemoji_mesh.objects.folder import FolderObjectStore

USERS = {
    name: Maker(f"00000000-0000-7000-8000-00000000000{number}", name) for number, name in enumerate(("anna", "ben"))
}
WORDS = ("cat", "dog", "고양이")
PNG = {expression: expression.encode() for expression in EXPRESSIONS}

users = st.sampled_from(sorted(USERS))
words = st.sampled_from(WORDS)
visibilities = st.sampled_from(["public", "unlisted", "private"])


@dataclass
class Modelled:
    owner: str
    name: str
    visibility: str
    hidden: bool = False
    likes: set[str] = field(default_factory=set)

    def seen_by(self, user: str) -> bool:
        return user == self.owner or (self.visibility != "private" and not self.hidden)

    @property
    def listed(self) -> bool:
        return self.visibility == "public" and not self.hidden


async def as_it_is(data: bytes, keep_background: bool) -> bytes:
    return data


async def shrunk(png: bytes, width: int) -> bytes:
    return png


class Histories(RuleBasedStateMachine):
    made = Bundle("made")
    folder: Path
    migrated: bytes
    numbers = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        place = self.folder / str(next(self.numbers))
        place.mkdir()
        (place / "x.db").write_bytes(self.migrated)
        self.database = Database(f"sqlite:///{place}/x.db")
        objects = FolderObjectStore(place / "objects")
        deliveries = dict.fromkeys((FORGET_EMOJI, SET_EMOJI_SHOWN), Delivery(object, None))  # type: ignore[arg-type]
        messages = Outbox(self.database, outbox, deliveries)
        store = EmojiStore(self.database, messages, PictureSweep(self.database, objects).wake)
        pictures = PictureStore(objects)
        self.catalog = Catalog(store, pictures, ThumbnailCache(pictures, shrunk, 0), as_it_is, utc_now)
        self.model: dict[str, Modelled] = {}
        self.etags: dict[str, str] = {}
        self.gone: set[str] = set()

    def run_(self, call: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(call)

    def refused(self, call: Coroutine[Any, Any, Any], *kinds: type[Exception]) -> None:
        with pytest.raises(kinds):
            self.run_(call)

    @rule(target=made, user=users, name=words, visibility=visibilities)
    def create(self, user: str, name: str, visibility: str) -> str:
        call = self.catalog.create(Draft(name, (), visibility, PNG), "", USERS[user])
        if user in self.gone:
            self.refused(call, AccountGone)
            return ""
        emoji = self.run_(call)
        self.model[emoji.id] = Modelled(user, name, visibility)
        self.etags[emoji.id] = emoji.etag
        return str(emoji.id)

    @rule(emoji_id=made, user=users, name=words, visibility=visibilities, late=st.booleans())
    def update(self, emoji_id: str, user: str, name: str, visibility: str, late: bool) -> None:
        etag = "0" * 64 if late else self.etags.get(emoji_id, "")
        call = self.catalog.update(emoji_id, Draft(name, None, visibility, {}), etag, USERS[user].id)
        known = self.model.get(emoji_id)
        if known is None or not known.seen_by(user):
            self.refused(call, EmojiNotFound)
        elif known.owner != user:
            self.refused(call, NotYourEmoji)
        elif late:
            self.refused(call, EditConflict)
        else:
            self.etags[emoji_id] = self.run_(call).etag
            known.name, known.visibility = name, visibility

    @rule(emoji_id=made, user=users)
    def like(self, emoji_id: str, user: str) -> None:
        call = self.catalog.add_favorite(emoji_id, Viewer(USERS[user].id), USERS[user])
        known = self.model.get(emoji_id)
        if user in self.gone or known is None or not known.seen_by(user):
            self.refused(call, EmojiNotFound, AccountGone)
        else:
            self.run_(call)
            known.likes.add(user)

    @rule(emoji_id=made, user=users)
    def unlike(self, emoji_id: str, user: str) -> None:
        self.run_(self.catalog.remove_favorite(emoji_id, USERS[user].id))
        if emoji_id in self.model:
            self.model[emoji_id].likes.discard(user)

    @rule(emoji_id=made, hidden=st.booleans())
    def moderate(self, emoji_id: str, hidden: bool) -> None:
        call = self.catalog.decide(emoji_id, "hide" if hidden else "restore")
        if emoji_id in self.model:
            self.run_(call)
            self.model[emoji_id].hidden = hidden
        else:
            self.refused(call, EmojiNotFound)

    @rule(emoji_id=consumes(made), by_operator=st.booleans())
    def delete(self, emoji_id: str, by_operator: bool) -> None:
        known = self.model.pop(emoji_id, None)
        if known is None:
            self.refused(self.catalog.decide(emoji_id, "delete"), EmojiNotFound)
        elif by_operator:
            self.run_(self.catalog.decide(emoji_id, "delete"))
        else:
            self.run_(self.catalog.delete(emoji_id, USERS[known.owner].id))

    @rule(user=st.just("ben"), sure=st.integers(0, 5))
    def delete_account(self, user: str, sure: int) -> None:
        if sure == 0:
            self.run_(self.catalog.delete_user_data(USERS[user].id))
            self.gone.add(user)
            self.model = {key: emoji for key, emoji in self.model.items() if emoji.owner != user}
            for emoji in self.model.values():
                emoji.likes.discard(user)

    @invariant()
    def lists_show_what_is_listed_and_nothing_else(self) -> None:
        for word in ("", *WORDS):
            page, _ = self.run_(self.catalog.page(ListQuery(1, words=word, sort="favorites"), Viewer()))
            expected = {key for key, emoji in self.model.items() if emoji.listed and word in emoji.name}
            assert page.total == len(expected)
            assert {emoji.id for emoji in page.emojis} <= expected
            assert len(page.emojis) == min(8, len(expected))
            likes = [emoji.favorites for emoji in page.emojis]
            assert likes == sorted((len(self.model[key].likes) for key in expected), reverse=True)[:8]

    @invariant()
    def everyone_sees_what_they_may(self) -> None:
        for name, user in USERS.items():
            own, _ = self.run_(self.catalog.page(ListQuery(1, owner_id=user.id), Viewer(user.id)))
            assert own.total == sum(emoji.owner == name for emoji in self.model.values())
            liked, _ = self.run_(self.catalog.page(ListQuery(1, favorites_only=True), Viewer(user.id)))
            expected = {key for key, emoji in self.model.items() if name in emoji.likes and emoji.seen_by(name)}
            assert liked.total == len(expected)
            assert {emoji.id for emoji in liked.emojis} <= expected
        for emoji_id, emoji in self.model.items():
            for name, user in USERS.items():
                call = self.catalog.get(emoji_id, Viewer(user.id))
                if not emoji.seen_by(name):
                    self.refused(call, EmojiNotFound)
                    continue
                seen = self.run_(call)
                assert (seen.name, seen.visibility, seen.hidden) == (emoji.name, emoji.visibility, emoji.hidden)
                assert seen.favorites == len(emoji.likes)
                liked = self.run_(self.catalog.favorites_in([seen], Viewer(user.id)))
                assert (emoji_id in liked) == (name in emoji.likes)

    def teardown(self) -> None:
        self.run_(self.database.close())
        self.loop.close()


def test_any_history_matches_the_model(tmp_path: Path):
    migrate(f"sqlite:///{tmp_path}/x.db", "igemoji_emoji_catalog")
    Histories.folder, Histories.migrated = tmp_path, (tmp_path / "x.db").read_bytes()
    examples = settings(max_examples=12, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Histories, settings=examples)
