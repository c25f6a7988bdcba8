"""Idempotency keys against a model: in any history of calls, crashes and time, a key has at most one effect."""

import asyncio
import datetime
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from igemoji_mesh.db.database import Database, utc_now
from igemoji_mesh.idempotency.crypto import KeyedCall
from igemoji_mesh.idempotency.keys import (
    LEASE,
    RETENTION,
    IdempotencyKeyReused,
    IdempotencyKeys,
    IdempotentCallUnderWay,
    idempotency_table,
)

KEYS = ("a key that can't be guessed",) * 3 + ("another key, used less often",)
SECONDS = [LEASE.total_seconds() - 1, LEASE.total_seconds(), RETENTION.total_seconds()]

metadata = sa.MetaData()
idempotency_keys = idempotency_table(metadata)
effects = sa.Table("effects", metadata, sa.Column("claim", sa.String(36)))


@dataclass
class Known:
    """State of a key in the model."""

    request: bytes
    holder: str
    leased_until: datetime.datetime
    expires_at: datetime.datetime
    answer: str = ""


class Histories(RuleBasedStateMachine):
    open_calls = Bundle("open_calls")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.database = Database(f"sqlite:///{Path(self.folder.name)}/x.db")
        metadata.create_all(self.database.engine)
        self.now = utc_now()
        self.keys = IdempotencyKeys(self.database, idempotency_keys, lambda: self.now)
        self.model: dict[str, Known] = {}
        self.effects: list[str] = []

    def teardown(self) -> None:
        self.loop.run(self.database.close())
        self.loop.close()
        self.folder.cleanup()

    @rule(target=open_calls, key=st.sampled_from(KEYS), request=st.sampled_from([b"one", b"one", b"one", b"two"]))
    def begin(self, key: str, request: bytes):
        call = KeyedCall(key, "a scope", request)
        known = self.model.get(key)
        if known is not None and known.expires_at > self.now:
            if known.request != request:
                return self.refused(call, IdempotencyKeyReused)
            if known.answer:
                stored = self.loop.run(self.keys.claim(call))
                assert stored is not None
                assert call.decrypt(stored) == answer_of(known.answer)
                return multiple()
            if known.leased_until > self.now:
                return self.refused(call, IdempotentCallUnderWay)
        assert self.loop.run(self.keys.claim(call)) is None
        self.model[key] = Known(request, call.claim, self.now + LEASE, self.now + RETENTION)
        return call

    @rule(call=consumes(open_calls))
    def commit(self, call: KeyedCall) -> None:
        def work(connection: sa.Connection) -> None:
            connection.execute(effects.insert().values(claim=call.claim))
            self.keys.store_within(connection, call, encrypted(call))

        known = self.held_by(call)
        if known is None:
            with pytest.raises(IdempotentCallUnderWay):
                self.loop.run(self.database.write(work))
            return
        self.loop.run(self.database.write(work))
        self.effects.append(call.claim)
        known.answer, known.expires_at = call.claim, self.now + RETENTION

    @rule(call=consumes(open_calls))
    def fail(self, call: KeyedCall) -> None:
        self.loop.run(self.keys.release(call))
        self.model = {key: known for key, known in self.model.items() if known.holder != call.claim}

    @rule(call=consumes(open_calls))
    def kill(self, call: KeyedCall) -> None:
        """Do nothing: the service has died."""

    @rule(seconds=st.sampled_from(SECONDS))
    def wait(self, seconds: float) -> None:
        self.now += datetime.timedelta(seconds=seconds)

    @rule()
    def sweep(self) -> None:
        self.loop.run(self.keys.sweep())
        self.model = {key: known for key, known in self.model.items() if known.expires_at > self.now}

    @invariant()
    def only_stored_answers_have_an_effect(self) -> None:
        claims = sa.select(effects.c.claim)
        found = self.loop.run(self.database.read(lambda connection: connection.execute(claims).scalars().all()))
        assert list(found) == self.effects

    def refused(self, call: KeyedCall, kind: type[Exception]):
        with pytest.raises(kind):
            self.loop.run(self.keys.claim(call))
        return multiple()

    def held_by(self, call: KeyedCall) -> Known | None:
        return next((known for known in self.model.values() if known.holder == call.claim), None)


def answer_of(claim: str) -> tuple[dict[str, str], bytes]:
    return {"location": f"/things/{claim}"}, claim.encode()


def encrypted(call: KeyedCall) -> bytes:
    return call.encrypt(*answer_of(call.claim))


Histories.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestHistories = Histories.TestCase
