"""Every RPC as nobody, a guest, another user, the owner, an operator and a service, by REST and by gRPC.

A row says what each of them gets, as a status of REST; by gRPC it is the status that stands for it. What a call is
about (a template, a task, a link) is the owner's. A service calls past the gateway, with its certificate and no token.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.message import Message

from igemoji.common.v1 import access_pb2
from igemoji_mesh.ids import new_id

from .actors import PASSWORD, Person, World
from .calls import RPCS, Outcome, by_grpc, by_rest, message

PEOPLE = ("nobody", "guest", "another", "owner", "operator")
SERVICES = ("auth", "emoji-catalog", "ranking", "inference", "gateway")

Fields = Callable[[World], dict[str, Any]]


@dataclass(frozen=True)
class Row:
    """What an RPC answers whom."""

    nobody: int
    guest: int
    another: int
    owner: int
    operator: int
    service: int
    """Any service without a user; of an RPC for services only: those that the contract admits."""
    fields: Fields = lambda world: {}
    """The request, made for each call."""
    uses_up: Collection[str] = ()
    """Whose account is another one, or none, afterwards."""


def anyone(status: int, fields: Fields = lambda world: {}) -> Row:
    return Row(status, status, status, status, status, status, fields)


def who_is_logged_in(
    status: int, fields: Fields = lambda world: {}, guest: int | None = None, uses_up: Collection[str] = ()
) -> Row:
    return Row(401, guest or status, status, status, status, 401, fields, uses_up)


def its_owner(status: int, fields: Fields) -> Row:
    """To others it does not exist."""
    return Row(401, 404, 404, status, 404, 401, fields)


def its_maker(status: int, fields: Fields) -> Row:
    """Others may see it."""
    return Row(401, 403, 403, status, 403, 401, fields)


def operators(fields: Fields) -> Row:
    return Row(401, 403, 403, 403, 200, 401, fields)


def services(fields: Fields) -> Row:
    """Through the gateway there is no such call."""
    return Row(501, 501, 501, 501, 501, 200, fields)


def an_account(world: World) -> dict[str, Any]:
    return world.new_account()


def a_draft(world: World) -> dict[str, Any]:
    return {"name": "Mine", "base_id": world.built_in_id}


def new_guests_token(world: World) -> dict[str, Any]:
    return {"refresh_token": world.new_person("guest").refresh_token}


def new_password(world: World) -> dict[str, Any]:
    return {"current_password": PASSWORD, "new_password": PASSWORD, "refresh_token_in_body": True}


def a_picture(world: World) -> dict[str, Any]:
    return {"image": world.faceless_photo}


TABLE: dict[str, Row] = {
    # Accounts. A cookie's RPC looks at the refresh token alone, whoever's the access token is.
    "auth.CheckAvailability": anyone(200, lambda world: {"case": "alias", "value": "somebody"}),
    "auth.Register": Row(201, 201, 201, 201, 201, 201, an_account, uses_up={"guest"}),
    "auth.StartGuest": anyone(201),
    "auth.Login": anyone(200, lambda world: {"email": world.owner.email, "password": PASSWORD}),
    "auth.Refresh": anyone(200, new_guests_token),
    "auth.Logout": anyone(200, new_guests_token),
    "auth.RequestPasswordReset": anyone(202, lambda world: {"email": world.new_account()["email"]}),
    "auth.ConfirmPasswordReset": anyone(400, lambda world: {"token": "made-up", "new_password": "another passphrase"}),
    "auth.GetMe": who_is_logged_in(200),
    "auth.UpdateMe": who_is_logged_in(200, lambda world: {"alias": world.new_account()["alias"]}, guest=403),
    "auth.ChangePassword": who_is_logged_in(200, new_password, guest=403),
    "auth.ExportMe": who_is_logged_in(200),
    "auth.DeleteMe": who_is_logged_in(202, uses_up=PEOPLE),
    "auth.GetDeletion": anyone(200, lambda world: {"id": world.deletion}),
    "auth.GetMyPage": who_is_logged_in(200, lambda world: {"case": "upload"}),
    "auth.Jwks": anyone(200),
    # Templates.
    "emoji_catalog.CreateEmoji": who_is_logged_in(201, a_draft),
    "emoji_catalog.PreviewEmojiImage": who_is_logged_in(200, a_picture),
    "emoji_catalog.GetEmoji": Row(404, 404, 404, 200, 404, 404, lambda world: {"id": world.private_emoji}),
    "emoji_catalog.ListEmojis": anyone(200, lambda world: {"page_number": 1}),
    "emoji_catalog.GetEmojiImage": Row(
        404, 404, 404, 200, 404, 404, lambda world: {"id": world.private_emoji, "expression": "happy"}
    ),
    "emoji_catalog.AddFavorite": who_is_logged_in(200, lambda world: {"id": world.emoji}),
    "emoji_catalog.RemoveFavorite": who_is_logged_in(200, lambda world: {"id": world.emoji}),
    "emoji_catalog.UpdateEmoji": its_maker(200, lambda world: {"id": world.emoji, "name": "Another"}),
    "emoji_catalog.DeleteEmoji": its_maker(200, lambda world: {"id": world.emoji_to_lose()}),
    "emoji_catalog.ReportEmoji": who_is_logged_in(200, lambda world: {"id": world.emoji, "reason": "spam"}),
    "emoji_catalog.ListReports": operators(lambda world: {}),
    "emoji_catalog.DecideReport": operators(lambda world: {"id": world.hidden_emoji, "decision": "hide"}),
    "emoji_catalog.BatchGetEmojis": services(lambda world: {"ids": [world.emoji]}),
    "emoji_catalog.UpdateUseCounts": services(lambda world: {"counts": [{"emoji_id": world.emoji, "uses": 3}]}),
    "emoji_catalog.RenameMaker": services(lambda world: {"user_id": new_id(), "alias": "somebody"}),
    "emoji_catalog.DeleteUserData": services(lambda world: {"user_id": new_id()}),
    # Photos.
    "inference.CreateTask": who_is_logged_in(
        202, lambda world: {"image": {"data": world.faceless_photo}, "emoji_id": world.built_in_id}
    ),
    "inference.GetTask": its_owner(200, lambda world: {"task_id": world.task}),
    "inference.WatchTask": its_owner(200, lambda world: {"task_id": world.task}),
    "inference.GetResultImage": its_owner(200, lambda world: {"task_id": world.task}),
    "inference.ReviseFace": its_owner(202, lambda world: {"task_id": world.settled_task(), "face": 0, "covered": True}),
    "inference.AddFace": its_owner(
        202, lambda world: {"task_id": world.settled_task(), "box": {"x": 9, "y": 9, "width": 90, "height": 90}}
    ),
    "inference.CancelTask": its_owner(200, lambda world: {"task_id": world.settled_task()}),
    "inference.DeleteTask": its_owner(200, lambda world: {"task_id": world.task_to_lose()}),
    "inference.ShareResult": its_owner(201, lambda world: {"task_id": world.task}),
    "inference.UnshareResult": its_owner(200, lambda world: {"task_id": world.another_task}),
    "inference.GetShared": anyone(200, lambda world: {"token": world.share_token}),
    "inference.GetSharedImage": anyone(200, lambda world: {"token": world.share_token}),
    "inference.DeleteUserData": services(lambda world: {"user_id": new_id()}),
    "inference.ListResults": services(lambda world: {"user_id": new_id(), "page_number": 1, "page_size": 8}),
    # What is popular.
    "ranking.GetRanking": anyone(200),
    "ranking.RecordUse": services(
        lambda world: {"task_id": new_id(), "emoji_id": new_id(), "user_id": new_id(), "used_at": {"seconds": 1}}
    ),
    "ranking.ForgetEmoji": services(lambda world: {"emoji_id": new_id()}),
    "ranking.SetEmojiShown": services(lambda world: {"emoji_id": new_id(), "shown": True, "revision": 1}),
    "ranking.DeleteUserData": services(lambda world: {"user_id": new_id()}),
}


def test_table_lists_every_rpc_of_the_contract() -> None:
    assert set(TABLE) == set(RPCS)


def test_table_agrees_with_the_access_level_of_every_rpc() -> None:
    wrong = []
    for name, row in TABLE.items():
        access = RPCS[name].access
        assert access is not None
        closed_to_nobody = access.level in (access_pb2.LEVEL_USER, access_pb2.LEVEL_OPERATOR)
        if (row.nobody == 401, row.service == 401) != (closed_to_nobody, closed_to_nobody):
            wrong.append(f"{name}: without a token")
        if (access.level == access_pb2.LEVEL_OPERATOR) != ((row.owner, row.operator) == (403, 200)):
            wrong.append(f"{name}: operators")
        if (access.level == access_pb2.LEVEL_INTERNAL) != (row.operator == 501):
            wrong.append(f"{name}: internal")
        success = max(status for status in (row.owner, row.operator, row.service) if status < 500)
        if success < 300 and success != (access.http_code or 200):
            wrong.append(f"{name}: status of a success")
    assert not wrong


def caller_for(row: Row, kind: str, world: World) -> Person:
    return world.new_person(kind) if kind in row.uses_up else world.person(kind)


def request(name: str, world: World) -> Message:
    return message(RPCS[name], **TABLE[name].fields(world))


@pytest.mark.parametrize("name", TABLE)
def test_access_through_the_gateway(name: str, world: World) -> None:
    rpc, row = RPCS[name], TABLE[name]
    wrong = []
    for kind in PEOPLE:
        expected = getattr(row, kind)
        outcomes: dict[str, Outcome] = {}
        if rpc.bindings:
            outcomes["REST"] = by_rest(world.http, rpc, request(name, world), caller_for(row, kind, world).headers)
        outcomes["gRPC"] = by_grpc(world.channel, rpc, request(name, world), caller_for(row, kind, world).headers)
        wrong += [
            f"{kind} by {way}: {outcome.status} {outcome.reason}, expected {expected}"
            for way, outcome in outcomes.items()
            if outcome.status != expected
        ]
    assert not wrong


@pytest.mark.parametrize("name", TABLE)
def test_access_past_the_gateway(name: str, world: World) -> None:
    rpc, row = RPCS[name], TABLE[name]
    assert rpc.access is not None
    internal = rpc.access.level == access_pb2.LEVEL_INTERNAL
    wrong = []
    for caller in SERVICES:
        admitted = caller in rpc.access.callers if internal else True
        expected = row.service if admitted else 403
        with world.direct(name.split(".")[0].replace("_", "-"), caller) as channel:
            outcome = by_grpc(channel, rpc, request(name, world), {})
        if outcome.status != expected:
            wrong.append(f"{caller}: {outcome.status} {outcome.reason}, expected {expected}")
    assert not wrong


def test_forged_token_is_refused_by_every_rpc_with_users(world: World) -> None:
    wrong = []
    for name, row in TABLE.items():
        access = RPCS[name].access
        assert access is not None
        if access.level in (access_pb2.LEVEL_PUBLIC, access_pb2.LEVEL_COOKIE, access_pb2.LEVEL_INTERNAL):
            continue
        headers = {"Authorization": f"Bearer {world.owner.token[:-4]}AAAA"}
        outcome = by_rest(world.http, RPCS[name], request(name, world), headers)
        if outcome.status != 401:
            wrong.append(f"{name}: {outcome.status}, row {row}")
    assert not wrong
