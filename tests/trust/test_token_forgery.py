"""Tokens that auth did not sign, did not sign for this, or does not stand behind any more."""

from contract.calls import outcome_of
from contract.world import World

from .tally import Tally


def test_what_is_no_token_opens_nothing(world: World, tally: Tally) -> None:
    for token in ("", "x", "x.y.z", "..", "null", "Bearer", "\t"):
        with tally.attempt(repr(token)):
            answer = outcome_of(world.http.get("/api/v1/users/me", headers={"authorization": f"Bearer {token}"}))
            assert answer.status == 401
