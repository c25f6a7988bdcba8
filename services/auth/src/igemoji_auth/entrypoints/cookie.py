"""The refresh token's cookie, and whether it may be believed.

A page of another site can't make a browser send it (SameSite=Strict). What is left are other hosts of the same site:
the header that is asked for beside it can be set by a page only where CORS lets it.
"""

from contextlib import suppress
from http.cookies import CookieError, SimpleCookie

from igemoji_auth.domain.model import RefreshTokenMissing, RequestedWithMissing
from igemoji_mesh.interceptors.base import Context

NAME = "igemoji_refresh"
PATH = "/api/v1/users/auth"


def refresh_token(in_body: str, context: Context) -> str:
    """The refresh token of a call, from its body or its cookie. Raises RefreshTokenMissing, RequestedWithMissing."""
    if in_body:
        return in_body
    metadata = _metadata(context)
    token = _value(metadata.get("cookie", ""))
    if not token:
        raise RefreshTokenMissing("There is no refresh token, neither in the cookie nor in the body. Log in.")
    if not metadata.get("x-requested-with"):
        raise RequestedWithMissing("With the cookie, the header X-Requested-With must be sent, whatever its value.")
    return token


def set_cookie(token: str, seconds: int, context: Context) -> str:
    """The header that stores a refresh token in a browser for some seconds; 0 removes it."""
    cookie: SimpleCookie = SimpleCookie({NAME: token})
    attributes = {"path": PATH, "max-age": seconds, "httponly": True, "samesite": "Strict"}
    # Over HTTPS it is never to be sent without; on one machine, over HTTP, a browser would not take it.
    attributes["secure"] = _metadata(context).get("x-forwarded-proto") == "https"
    for name, value in attributes.items():
        cookie[NAME][name] = value
    return cookie[NAME].OutputString()


def _value(header: str) -> str:
    # One by one, because the parser gives up at the first that it does not like, and that may be somebody else's.
    for part in header.split(";"):
        with suppress(CookieError):
            found = SimpleCookie(part).get(NAME)
            if found is not None:
                return found.value
    return ""


def _metadata(context: Context) -> dict[str, str]:
    return {key: str(value) for key, value in context.invocation_metadata() or ()}
