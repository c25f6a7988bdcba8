"""Refresh tokens against a model, for any order of operations."""

import asyncio
import datetime
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from igemoji_auth.adapters.db.accounts import SqlAccounts
from igemoji_auth.adapters.db.refresh_tokens import SqlRefreshTokens
from igemoji_auth.adapters.db.tables import outbox
from igemoji_auth.domain.model import USER_ROLE, Account
from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.db.migrations import migrate
from igemoji_mesh.db.outbox import Outbox
from igemoji_mesh.idempotency.replay import NO_REPLAY

SECONDS = [1, 9, 10, 11, 3600, 7 * 86400]
FAMILIES = 3


@dataclass
class Family:
    alive: bool = True
    tokens: list[str] = field(default_factory=list)


@dataclass
class Token:
    family: Family
    text: str
    expires_at: datetime.datetime
    used_at: datetime.datetime | None = None
    following: "Token | None" = None


class RefreshFamilies(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        url = f"sqlite:///{Path(self.folder.name)}/auth.db"
        migrate(url, "igemoji_auth")
        self.database = Database(url)
        self.store = SqlRefreshTokens(self.database)
        self.now = utc_now()
        self.families: list[Family] = []
        self.tokens: list[Token] = []
        self.account = Account("0" * 36, "a@example.org", "somebody", USER_ROLE, self.now, None)
        self.loop.run(SqlAccounts(self.database, Outbox(self.database, outbox, {})).add(self.account, NO_REPLAY))

    def teardown(self) -> None:
        self.loop.run(self.database.close())
        self.loop.close()
        self.folder.cleanup()

    @initialize()
    def first_log_in(self) -> None:
        self.log_in()

    @precondition(lambda self: len(self.families) < FAMILIES)
    @rule()
    def log_in(self) -> None:
        token = self.loop.run(self.store.start_family(self.account, self.now, lambda token: token, NO_REPLAY))
        family = Family(tokens=[token.token])
        self.families.append(family)
        self.tokens.append(Token(family, token.token, token.expires_at))

    @rule(seconds=st.sampled_from(SECONDS))
    def wait(self, seconds: int) -> None:
        self.now += datetime.timedelta(seconds=seconds)

    @precondition(lambda self: len(self.families) == FAMILIES)
    @rule(back=st.integers(0, 10))
    def log_out(self, back: int) -> None:
        self.sweep()  # an expired token may or may not revoke its family
        token = self.token(back)
        self.loop.run(self.store.revoke_family(token.text))
        if token.expires_at > self.now:
            self.assert_revoked(token.family)

    @rule()
    def sweep(self) -> None:
        self.loop.run(self.store.remove_expired(self.now))

    @rule(back=st.integers(0, 10))
    def refresh(self, back: int) -> None:
        token = self.token(back)
        answer = self.loop.run(self.store.spend(token.text, self.now))
        if not token.family.alive or token.expires_at <= self.now:
            assert answer is None
            return
        if token.used_at is not None and self.now - token.used_at > datetime.timedelta(seconds=10):
            assert answer is None
            self.assert_revoked(token.family)
            return
        assert answer is not None
        account, following = answer
        assert account == self.account
        if token.used_at is None:
            token.used_at = self.now
            token.following = Token(token.family, following.token, self.now + datetime.timedelta(days=14))
            token.family.tokens.append(following.token)
            self.tokens.append(token.following)
        assert token.following is not None
        assert (following.token, following.expires_at) == (token.following.text, token.following.expires_at)

    def assert_revoked(self, family: Family) -> None:
        """Check that all tokens of a revoked family are refused."""
        family.alive = False
        for token in family.tokens:
            assert self.loop.run(self.store.spend(token, self.now)) is None

    def token(self, back: int) -> Token:
        """Return an issued token, counted from the newest."""
        return self.tokens[-1 - back % len(self.tokens)]


RefreshFamilies.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestRefreshFamilies = RefreshFamilies.TestCase
