"""Access to every RPC by each kind of caller and by services, over REST and gRPC.

A row has the HTTP status that each caller gets; gRPC answers the matching status. The resource of a call (a template, a
task, a link) belongs to the owner. Services call past the gateway, with a certificate and without a token.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.message import Message

from igemoji.common.v1 import access_pb2
from igemoji_mesh.ids import new_id

from .actors import PASSWORD, Actor, Actors
from .calls import RPCS, Outcome, by_grpc, by_rest, message

KINDS = ("anonymous", "guest", "another", "owner", "operator")
SERVICES = ("auth", "emoji-catalog", "ranking", "inference", "gateway")

Fields = Callable[[Actors], dict[str, Any]]


@dataclass(frozen=True)
class Row:
    """Expected HTTP status by kind of caller."""

    anonymous: int
    guest: int
    another: int
    owner: int
    operator: int
    service: int
    """A service without a user; for an internal RPC, the services that the contract admits."""
    fields: Fields = lambda actors: {}
    """The request, made for each call."""
    uses_up: Collection[str] = ()
    """Kinds of caller whose account the call changes or deletes."""


def any_caller(status: int, fields: Fields = lambda actors: {}) -> Row:
    return Row(status, status, status, status, status, status, fields)


def logged_in(
    status: int, fields: Fields = lambda actors: {}, guest: int | None = None, uses_up: Collection[str] = ()
) -> Row:
    return Row(401, guest or status, status, status, status, 401, fields, uses_up)


def owner_only(status: int, fields: Fields) -> Row:
    """Return a row in which the resource does not exist for others."""
    return Row(401, 404, 404, status, 404, 401, fields)


def maker_only(status: int, fields: Fields) -> Row:
    """Return a row in which others can see the resource but not change it."""
    return Row(401, 403, 403, status, 403, 401, fields)


def operators_only(fields: Fields) -> Row:
    return Row(401, 403, 403, 403, 200, 401, fields)


def services_only(fields: Fields) -> Row:
    """Return a row of an internal RPC, which the gateway does not route."""
    return Row(501, 501, 501, 501, 501, 200, fields)


def an_account(actors: Actors) -> dict[str, Any]:
    return actors.new_account()


def a_draft(actors: Actors) -> dict[str, Any]:
    return {"name": "Mine", "base_id": actors.built_in_id}


def new_guests_token(actors: Actors) -> dict[str, Any]:
    return {"refresh_token": actors.new_actor("guest").refresh_token}


def new_password(actors: Actors) -> dict[str, Any]:
    return {"current_password": PASSWORD, "new_password": PASSWORD, "refresh_token_in_body": True}


def a_picture(actors: Actors) -> dict[str, Any]:
    return {"image": actors.faceless_photo}


TABLE: dict[str, Row] = {
    # Accounts. An RPC of access level COOKIE checks the refresh token only, not the access token.
    "auth.CheckAvailability": any_caller(200, lambda actors: {"case": "alias", "value": "someone"}),
    "auth.Register": Row(201, 201, 201, 201, 201, 201, an_account, uses_up={"guest"}),
    "auth.StartGuest": any_caller(201),
    "auth.Login": any_caller(200, lambda actors: {"email": actors.owner.email, "password": PASSWORD}),
    "auth.Refresh": any_caller(200, new_guests_token),
    "auth.Logout": any_caller(200, new_guests_token),
    "auth.RequestPasswordReset": any_caller(202, lambda actors: {"email": actors.new_account()["email"]}),
    "auth.ConfirmPasswordReset": any_caller(
        400, lambda actors: {"token": "made-up", "new_password": "another passphrase"}
    ),
    "auth.GetMe": logged_in(200),
    "auth.UpdateMe": logged_in(200, lambda actors: {"alias": actors.new_account()["alias"]}, guest=403),
    "auth.ChangePassword": logged_in(200, new_password, guest=403),
    "auth.ExportMe": logged_in(200),
    "auth.DeleteMe": logged_in(202, uses_up=KINDS),
    "auth.GetDeletion": any_caller(200, lambda actors: {"id": actors.deletion}),
    "auth.GetMyPage": logged_in(200, lambda actors: {"case": "upload"}),
    "auth.Jwks": any_caller(200),
    # Templates.
    "emoji_catalog.CreateEmoji": logged_in(201, a_draft),
    "emoji_catalog.PreviewEmojiImage": logged_in(200, a_picture),
    "emoji_catalog.GetEmoji": Row(404, 404, 404, 200, 404, 404, lambda actors: {"id": actors.private_emoji}),
    "emoji_catalog.ListEmojis": any_caller(200, lambda actors: {"page_number": 1}),
    "emoji_catalog.GetEmojiImage": Row(
        404, 404, 404, 200, 404, 404, lambda actors: {"id": actors.private_emoji, "expression": "happy"}
    ),
    "emoji_catalog.AddFavorite": logged_in(200, lambda actors: {"id": actors.emoji}),
    "emoji_catalog.RemoveFavorite": logged_in(200, lambda actors: {"id": actors.emoji}),
    "emoji_catalog.UpdateEmoji": maker_only(200, lambda actors: {"id": actors.emoji, "name": "Another"}),
    "emoji_catalog.DeleteEmoji": maker_only(200, lambda actors: {"id": actors.emoji_to_lose()}),
    "emoji_catalog.ReportEmoji": logged_in(200, lambda actors: {"id": actors.emoji, "reason": "spam"}),
    "emoji_catalog.ListReports": operators_only(lambda actors: {}),
    "emoji_catalog.DecideReport": operators_only(lambda actors: {"id": actors.hidden_emoji, "decision": "hide"}),
    "emoji_catalog.BatchGetEmojis": services_only(lambda actors: {"ids": [actors.emoji]}),
    "emoji_catalog.UpdateUseCounts": services_only(lambda actors: {"counts": [{"emoji_id": actors.emoji, "uses": 3}]}),
    "emoji_catalog.RenameMaker": services_only(lambda actors: {"user_id": new_id(), "alias": "someone"}),
    "emoji_catalog.DeleteUserData": services_only(lambda actors: {"user_id": new_id()}),
    # Photos.
    "inference.CreateTask": logged_in(
        202, lambda actors: {"image": {"data": actors.faceless_photo}, "emoji_id": actors.built_in_id}
    ),
    "inference.GetTask": owner_only(200, lambda actors: {"task_id": actors.task}),
    "inference.WatchTask": owner_only(200, lambda actors: {"task_id": actors.task}),
    "inference.GetResultImage": owner_only(200, lambda actors: {"task_id": actors.task}),
    "inference.ReviseFace": owner_only(
        202, lambda actors: {"task_id": actors.settled_task(), "face": 0, "covered": True}
    ),
    "inference.AddFace": owner_only(
        202, lambda actors: {"task_id": actors.settled_task(), "box": {"x": 9, "y": 9, "width": 90, "height": 90}}
    ),
    "inference.CancelTask": owner_only(200, lambda actors: {"task_id": actors.settled_task()}),
    "inference.DeleteTask": owner_only(200, lambda actors: {"task_id": actors.task_to_lose()}),
    "inference.ShareResult": owner_only(201, lambda actors: {"task_id": actors.task}),
    "inference.UnshareResult": owner_only(200, lambda actors: {"task_id": actors.another_task}),
    "inference.GetShared": any_caller(200, lambda actors: {"token": actors.share_token}),
    "inference.GetSharedImage": any_caller(200, lambda actors: {"token": actors.share_token}),
    "inference.DeleteUserData": services_only(lambda actors: {"user_id": new_id()}),
    "inference.ListResults": services_only(lambda actors: {"user_id": new_id(), "page_number": 1, "page_size": 8}),
    # Ranking.
    "ranking.GetRanking": any_caller(200),
    "ranking.RecordUse": services_only(
        lambda actors: {"task_id": new_id(), "emoji_id": new_id(), "user_id": new_id(), "used_at": {"seconds": 1}}
    ),
    "ranking.ForgetEmoji": services_only(lambda actors: {"emoji_id": new_id()}),
    "ranking.SetEmojiShown": services_only(lambda actors: {"emoji_id": new_id(), "shown": True, "revision": 1}),
    "ranking.DeleteUserData": services_only(lambda actors: {"user_id": new_id()}),
}


def test_table_lists_every_rpc_of_the_contract() -> None:
    assert set(TABLE) == set(RPCS)


def test_table_agrees_with_the_access_level_of_every_rpc() -> None:
    wrong = []
    for name, row in TABLE.items():
        access = RPCS[name].access
        assert access is not None
        closed_to_anonymous = access.level in (access_pb2.LEVEL_USER, access_pb2.LEVEL_OPERATOR)
        if (row.anonymous == 401, row.service == 401) != (closed_to_anonymous, closed_to_anonymous):
            wrong.append(f"{name}: status without a token")
        if (access.level == access_pb2.LEVEL_OPERATOR) != ((row.owner, row.operator) == (403, 200)):
            wrong.append(f"{name}: status of operators")
        if (access.level == access_pb2.LEVEL_INTERNAL) != (row.operator == 501):
            wrong.append(f"{name}: status of an internal RPC")
        success = max(status for status in (row.owner, row.operator, row.service) if status < 500)
        if success < 300 and success != (access.http_code or 200):
            wrong.append(f"{name}: status of success")
    assert not wrong


def caller_for(row: Row, kind: str, actors: Actors) -> Actor:
    return actors.new_actor(kind) if kind in row.uses_up else actors.actor(kind)


def request(name: str, actors: Actors) -> Message:
    return message(RPCS[name], **TABLE[name].fields(actors))


@pytest.mark.parametrize("name", TABLE)
def test_access_through_the_gateway(name: str, actors: Actors) -> None:
    rpc, row = RPCS[name], TABLE[name]
    wrong = []
    for kind in KINDS:
        expected = getattr(row, kind)
        outcomes: dict[str, Outcome] = {}
        if rpc.bindings:
            outcomes["REST"] = by_rest(actors.http, rpc, request(name, actors), caller_for(row, kind, actors).headers)
        outcomes["gRPC"] = by_grpc(actors.channel, rpc, request(name, actors), caller_for(row, kind, actors).headers)
        wrong += [
            f"{kind} by {way}: {outcome.status} {outcome.reason}, expected {expected}"
            for way, outcome in outcomes.items()
            if outcome.status != expected
        ]
    assert not wrong


@pytest.mark.parametrize("name", TABLE)
def test_access_past_the_gateway(name: str, actors: Actors) -> None:
    rpc, row = RPCS[name], TABLE[name]
    assert rpc.access is not None
    internal = rpc.access.level == access_pb2.LEVEL_INTERNAL
    wrong = []
    for caller in SERVICES:
        admitted = caller in rpc.access.callers if internal else True
        expected = row.service if admitted else 403
        with actors.direct(name.split(".")[0].replace("_", "-"), caller) as channel:
            outcome = by_grpc(channel, rpc, request(name, actors), {})
        if outcome.status != expected:
            wrong.append(f"{caller}: {outcome.status} {outcome.reason}, expected {expected}")
    assert not wrong


def test_forged_token_is_refused_by_every_rpc_with_users(actors: Actors) -> None:
    wrong = []
    for name, row in TABLE.items():
        access = RPCS[name].access
        assert access is not None
        if access.level in (access_pb2.LEVEL_PUBLIC, access_pb2.LEVEL_COOKIE, access_pb2.LEVEL_INTERNAL):
            continue
        headers = {"Authorization": f"Bearer {actors.owner.token[:-4]}AAAA"}
        outcome = by_rest(actors.http, RPCS[name], request(name, actors), headers)
        if outcome.status != 401:
            wrong.append(f"{name}: {outcome.status}, row {row}")
    assert not wrong
