"""Servicer: parse, call a use case, map."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import protovalidate
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.empty_pb2 import Empty

from igemoji.auth.v1 import auth_pb2 as pb
from igemoji.auth.v1 import auth_pb2_grpc
from igemoji.emoji_catalog.v1.emoji_catalog_pb2 import ListEmojisResponse
from igemoji.inference.v1.inference_pb2 import ListResultsResponse
from igemoji_auth.adapters.clients.emoji_catalog import EmojiCatalogClient
from igemoji_auth.adapters.clients.inference import InferenceClient
from igemoji_auth.adapters.clients.paging import to_fields
from igemoji_auth.adapters.db.deletions import SqlDeletions
from igemoji_auth.domain.model import GUEST_ROLE, Account, Deletion, Session
from igemoji_auth.entrypoints import cookie
from igemoji_auth.usecases import accounts, export, password_resets, sessions
from igemoji_mesh.auth.tokens import ALGORITHM, PublicKey
from igemoji_mesh.call_context import caller
from igemoji_mesh.idempotency.answer import Answer, answer_once
from igemoji_mesh.idempotency.replay import Replay
from igemoji_mesh.interceptors.access import client_address, user
from igemoji_mesh.interceptors.base import Context
from igemoji_mesh.interceptors.http_status import send_headers
from igemoji_mesh.timestamps import to_timestamp

SERVICE = "igemoji.auth.v1.AuthService"

MY_PAGE_SIZE = 8


@dataclass(frozen=True)
class AuthServicer(auth_pb2_grpc.AuthServiceServicer):
    """AuthService of the contract."""

    _accounts: accounts.Accounts
    _sessions: sessions.Sessions
    _resets: password_resets.PasswordResets
    _deletions: SqlDeletions
    _export: export.Export
    _inference: InferenceClient
    _emoji_catalog: EmojiCatalogClient

    async def CheckAvailability(
        self, request: pb.CheckAvailabilityRequest, context: Context
    ) -> pb.CheckAvailabilityResponse:
        free = await self._accounts.is_free(request.case, request.value, client_address(context))
        return pb.CheckAvailabilityResponse(available=free and _is_valid(request.case, request.value))

    async def Register(self, request: pb.RegisterRequest, context: Context) -> pb.User:
        guest_id = caller().user_id if caller().role == GUEST_ROLE else None
        fields = (request.email, request.password, request.alias, client_address(context), guest_id)
        register = partial(self._accounts.register, *fields)
        return await answer_once(context, register, lambda account: Answer(_user(account)))

    async def StartGuest(self, request: pb.StartGuestRequest, context: Context) -> pb.Session:
        async def start_guest(replay: Replay[Session]) -> Session:
            guest = await self._accounts.start_guest(client_address(context))
            return await self._sessions.start(guest, replay)

        in_body = request.refresh_token_in_body
        return await answer_once(context, start_guest, partial(_session, context=context, in_body=in_body))

    async def Login(self, request: pb.LoginRequest, context: Context) -> pb.Session:
        session = await self._sessions.login(request.email, request.password, client_address(context))
        return await _send(_session(session, context, in_body=request.refresh_token_in_body), context)

    async def Refresh(self, request: pb.RefreshRequest, context: Context) -> pb.Session:
        session = await self._sessions.refresh(cookie.refresh_token(request.refresh_token, context))
        return await _send(_session(session, context, in_body=bool(request.refresh_token)), context)

    async def Logout(self, request: pb.LogoutRequest, context: Context) -> Empty:
        await self._sessions.logout(cookie.refresh_token(request.refresh_token, context))
        await send_headers(context, set_cookie=cookie.set_cookie("", 0, context))
        return Empty()

    async def RequestPasswordReset(self, request: pb.RequestPasswordResetRequest, context: Context) -> Empty:
        await self._resets.request(request.email, client_address(context))
        return Empty()

    async def ConfirmPasswordReset(self, request: pb.ConfirmPasswordResetRequest, context: Context) -> Empty:
        await self._resets.confirm(request.token, request.new_password, client_address(context))
        return Empty()

    async def GetMe(self, request: pb.GetMeRequest, context: Context) -> pb.User:
        return _user(await self._accounts.me(user().id))

    async def UpdateMe(self, request: pb.UpdateMeRequest, context: Context) -> pb.User:
        return _user(await self._accounts.rename(user().id, request.alias))

    async def ChangePassword(self, request: pb.ChangePasswordRequest, context: Context) -> pb.Session:
        account = await self._accounts.change_password(user().id, request.current_password, request.new_password)
        session = await self._sessions.start(account)
        return await _send(_session(session, context, in_body=request.refresh_token_in_body), context)

    async def ExportMe(self, request: pb.ExportMeRequest, context: Context) -> AsyncIterator[HttpBody]:
        account = _user(await self._accounts.me(user().id))
        chunks = self._export.zip(account.id, to_fields(account))
        chunk = await anext(chunks)
        await send_headers(context, content_disposition='attachment; filename="igemoji.zip"')
        yield HttpBody(content_type="application/zip", data=chunk)
        async for chunk in chunks:
            yield HttpBody(data=chunk)

    async def DeleteMe(self, request: pb.DeleteMeRequest, context: Context) -> pb.Deletion:
        deletion = await self._deletions.delete_account(user().id)
        location = f"/api/v1/users/deletions/{deletion.id}"
        await send_headers(context, location=location, set_cookie=cookie.set_cookie("", 0, context))
        return _deletion(deletion)

    async def GetDeletion(self, request: pb.GetDeletionRequest, context: Context) -> pb.Deletion:
        return _deletion(await self._deletions.find(request.id))

    async def GetMyPage(self, request: pb.GetMyPageRequest, context: Context) -> pb.GetMyPageResponse:
        number, token = request.page_number or 1, request.page_token
        if request.case == "result":
            results = await self._inference.results(user().id, number, MY_PAGE_SIZE, token)
            return _my_page(results, results=results.results)
        templates = await self._emoji_catalog.templates(user().id, number, token)
        return _my_page(templates, emojis=templates.emojis)

    async def Jwks(self, request: pb.JwksRequest, context: Context) -> pb.JwksResponse:
        keys = await self._sessions.public_keys()
        await send_headers(context, cache_control="public, max-age=300")
        return pb.JwksResponse(keys=map(_json_web_key, keys))


def _is_valid(field: str, value: str) -> bool:
    """Apply the contract's rules for a field of RegisterRequest."""
    found = protovalidate.collect_violations(pb.RegisterRequest(**{field: value}))
    paths = (violation.proto.field for violation in found)
    return not any(path is not None and path.elements[0].field_name == field for path in paths)


def _session(session: Session, context: Context, *, in_body: bool) -> Answer[pb.Session]:
    """Map a session; the refresh token goes into the body or into a cookie."""
    seconds = session.refresh_expires_in_seconds
    message = pb.Session(
        access_token=session.access_token,
        expires_in=session.expires_in_seconds,
        user=_user(session.account),
        refresh_token=session.refresh_token if in_body else "",
        refresh_expires_in=seconds,
    )
    set_cookie = cookie.set_cookie(session.refresh_token, seconds, context)
    return Answer(message, {} if in_body else {"set-cookie": set_cookie})


async def _send(answer: Answer[pb.Session], context: Context) -> pb.Session:
    await send_headers(context, **answer.headers)
    return answer.message


def _user(account: Account) -> pb.User:
    created_at = to_timestamp(account.created_at)
    return pb.User(
        id=account.id, email=account.email or "", alias=account.alias, created_at=created_at, role=account.role
    )


def _deletion(deletion: Deletion) -> pb.Deletion:
    requested_at, remaining = to_timestamp(deletion.requested_at), deletion.remaining
    return pb.Deletion(id=deletion.id, requested_at=requested_at, complete=not remaining, remaining=remaining)


def _my_page(page: ListResultsResponse | ListEmojisResponse, **items: Any) -> pb.GetMyPageResponse:
    return pb.GetMyPageResponse(
        total=page.total, total_is_exact=page.total_is_exact, next_page_token=page.next_page_token, **items
    )


def _json_web_key(key: PublicKey) -> pb.JsonWebKey:
    """Map a key as in RFC 8037, section 2."""
    return pb.JsonWebKey(kty="OKP", crv="Ed25519", x=key.x, kid=key.kid, alg=ALGORITHM, use="sig")
