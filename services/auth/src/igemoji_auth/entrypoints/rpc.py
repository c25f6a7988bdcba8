"""The servicer: parse, call, map."""

import datetime
from collections.abc import AsyncIterator, Callable

import protovalidate
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.empty_pb2 import Empty
from google.protobuf.timestamp_pb2 import Timestamp

from igemoji.auth.v1 import auth_pb2 as pb
from igemoji.auth.v1 import auth_pb2_grpc
from igemoji_auth.domain.model import GUEST_ROLE, Account, Deletion, Session
from igemoji_auth.entrypoints import cookie
from igemoji_auth.usecases.accounts import Accounts
from igemoji_auth.usecases.deletion import Deletions
from igemoji_auth.usecases.export import Export
from igemoji_auth.usecases.my_page import MyPage
from igemoji_auth.usecases.password_resets import PasswordResets
from igemoji_auth.usecases.sessions import Sessions
from igemoji_mesh.auth.tokens import ALGORITHM, PublicKey
from igemoji_mesh.idempotency.keys import Answer, answered
from igemoji_mesh.interceptors.access import caller, client_address, user
from igemoji_mesh.interceptors.base import Context
from igemoji_mesh.interceptors.http_status import send_headers


class AuthServicer(auth_pb2_grpc.AuthServiceServicer):
    def __init__(
        self,
        accounts: Accounts,
        sessions: Sessions,
        resets: PasswordResets,
        deletions: Deletions,
        my_page: MyPage,
        export: Export,
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._resets = resets
        self._deletions = deletions
        self._my_page = my_page
        self._export = export

    async def CheckAvailability(
        self,
        request: pb.CheckAvailabilityRequest,
        context: Context,
    ) -> pb.CheckAvailabilityResponse:
        is_free = {"email": self._accounts.email_is_free, "alias": self._accounts.alias_is_free}[request.case]
        possible = _may_be_registered(request.case, request.value)
        return pb.CheckAvailabilityResponse(
            available=await is_free(request.value, client_address(context)) and possible
        )

    async def Register(self, request: pb.RegisterRequest, context: Context) -> pb.User:
        guest_id = caller().user_id if caller().role == GUEST_ROLE else None
        address = client_address(context)
        registering = self._accounts.register(request.email, request.password, request.alias, address, guest_id)
        return await answered(context, registering, lambda account: Answer(_user(account)))

    async def StartGuest(self, request: pb.StartGuestRequest, context: Context) -> pb.Session:
        starting = self._start_guest(client_address(context))
        return await answered(context, starting, _session(context, in_body=request.refresh_token_in_body))

    async def Login(self, request: pb.LoginRequest, context: Context) -> pb.Session:
        login = self._sessions.login(request.email, request.password, client_address(context))
        return await answered(context, login, _session(context, in_body=request.refresh_token_in_body))

    async def Refresh(self, request: pb.RefreshRequest, context: Context) -> pb.Session:
        refreshing = self._sessions.refresh(cookie.refresh_token(request.refresh_token, context))
        return await answered(context, refreshing, _session(context, in_body=bool(request.refresh_token)))

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

    async def GetMe(self, request: pb.GetMeRequest, context: Context) -> pb.User:  # noqa: ARG002
        return _user(await self._accounts.me(user().id))

    async def UpdateMe(self, request: pb.UpdateMeRequest, context: Context) -> pb.User:  # noqa: ARG002
        return _user(await self._accounts.rename(user().id, request.alias))

    async def ChangePassword(self, request: pb.ChangePasswordRequest, context: Context) -> pb.Session:
        account = await self._accounts.change_password(user().id, request.current_password, request.new_password)
        return await answered(
            context, self._sessions.start(account), _session(context, in_body=request.refresh_token_in_body)
        )

    async def ExportMe(self, request: pb.ExportMeRequest, context: Context) -> AsyncIterator[HttpBody]:  # noqa: ARG002
        account = _user(await self._accounts.me(user().id))
        pieces = self._export.zip(account)
        piece = await anext(pieces)
        await send_headers(context, content_disposition='attachment; filename="igemoji.zip"')
        yield HttpBody(content_type="application/zip", data=piece)
        async for piece in pieces:
            yield HttpBody(data=piece)

    async def DeleteMe(self, request: pb.DeleteMeRequest, context: Context) -> pb.Deletion:  # noqa: ARG002
        deletion = await self._deletions.delete(user().id)
        location = f"/api/v1/users/deletions/{deletion.id}"
        await send_headers(context, location=location, set_cookie=cookie.set_cookie("", 0, context))
        return _deletion(deletion)

    async def GetDeletion(self, request: pb.GetDeletionRequest, context: Context) -> pb.Deletion:  # noqa: ARG002
        return _deletion(await self._deletions.find(request.id))

    async def GetMyPage(self, request: pb.GetMyPageRequest, context: Context) -> pb.GetMyPageResponse:  # noqa: ARG002
        page = {"result": self._my_page.results, "upload": self._my_page.uploads}[request.case]
        return await page(user().id, request.page_number or 1, request.page_token)

    async def Jwks(self, request: pb.JwksRequest, context: Context) -> pb.JwksResponse:  # noqa: ARG002
        keys = await self._sessions.public_keys()
        await send_headers(context, cache_control="public, max-age=300")
        return pb.JwksResponse(keys=map(_json_web_key, keys))

    async def _start_guest(self, address: str) -> Session:
        return await self._sessions.start(await self._accounts.start_guest(address))


def _may_be_registered(field: str, value: str) -> bool:
    """Whether the contract's rule for a field of RegisterRequest admits a value."""
    found = protovalidate.collect_violations(pb.RegisterRequest(**{field: value}))
    paths = (violation.proto.field for violation in found)
    return not any(path is not None and path.elements[0].field_name == field for path in paths)


def _session(context: Context, *, in_body: bool) -> Callable[[Session], Answer[pb.Session]]:
    """The refresh token goes into the body, or else into a cookie."""

    def to_answer(session: Session) -> Answer[pb.Session]:
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

    return to_answer


def _user(account: Account) -> pb.User:
    return pb.User(
        id=account.id,
        email=account.email or "",
        alias=account.alias,
        created_at=_timestamp(account.created_at),
        role=account.role,
    )


def _deletion(deletion: Deletion) -> pb.Deletion:
    return pb.Deletion(
        id=deletion.id,
        requested_at=_timestamp(deletion.requested_at),
        complete=not deletion.remaining,
        remaining=deletion.remaining,
    )


def _timestamp(at: datetime.datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(at)
    return timestamp


def _json_web_key(key: PublicKey) -> pb.JsonWebKey:
    """RFC 8037, section 2."""
    return pb.JsonWebKey(kty="OKP", crv="Ed25519", x=key.x, kid=key.kid, alg=ALGORITHM, use="sig")
