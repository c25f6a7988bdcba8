"""Refresh tokens against a model: whatever is done with them in whatever order, only what should count does."""

import asyncio
import datetime
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule

from igemoji_auth.domain import USER_ROLE, Account
from igemoji_auth.refresh_store import SqlRefreshTokens
from igemoji_auth.store import SqlAccounts
from igemoji_auth.tables import outbox
from igemoji_mesh.database import Database, utc_now
from igemoji_mesh.migrations import migrate
from igemoji_mesh.outbox import Outbox

SECONDS = [0, 1, 9, 10, 11, 60, 13 * 86400, 14 * 86400]


@dataclass
class Family:
    alive: bool = True


@dataclass
class Token:
    family: Family
    text: str
    expires_at: datetime.datetime
    used_at: datetime.datetime | None = None
    following: list["Token"] = field(default_factory=list)


class RefreshFamilies(RuleBasedStateMachine):
    tokens = Bundle("tokens")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        url = f"sqlite:///{Path(self.folder.name)}/auth.db"
        migrate(url, "igemoji_auth")
        self.database = Database(url)
        self.store = SqlRefreshTokens(self.database)
        self.now = utc_now()
        self.account = Account("0" * 36, "a@example.org", "somebody", USER_ROLE, self.now, None)
        self.loop.run(SqlAccounts(self.database, Outbox(self.database, outbox, {})).add(self.account))

    def teardown(self) -> None:
        self.loop.run(self.database.close())
        self.loop.close()
        self.folder.cleanup()

    @rule(target=tokens)
    def log_in(self) -> Token:
        token = self.loop.run(self.store.start_family(self.account, self.now))
        return Token(Family(), token.token, token.expires_at)

    @rule(seconds=st.sampled_from(SECONDS))
    def wait(self, seconds: int) -> None:
        self.now += datetime.timedelta(seconds=seconds)

    @rule(token=tokens)
    def log_out(self, token: Token) -> None:
        self.loop.run(self.store.revoke_family(token.text))
        token.family.alive = False

    @rule()
    def sweep(self) -> None:
        self.loop.run(self.store.remove_expired(self.now))

    @rule(target=tokens, token=tokens)
    def refresh(self, token: Token) -> Token:
        answer = self.loop.run(self.store.spend(token.text, self.now))
        if not token.family.alive or token.expires_at <= self.now:
            assert answer is None
            return token
        if token.used_at is None:
            assert answer is not None
            token.used_at = self.now
            token.following.append(Token(token.family, answer[1].token, self.now + datetime.timedelta(days=14)))
        elif self.now - token.used_at > datetime.timedelta(seconds=10):
            assert answer is None
            token.family.alive = False
            return token
        (following,) = token.following
        assert answer is not None
        assert (answer[0], answer[1].token, answer[1].expires_at) == (
            self.account,
            following.text,
            following.expires_at,
        )
        return following


RefreshFamilies.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
TestRefreshFamilies = RefreshFamilies.TestCase
