"""Cookie of the refresh token, and its protection against request forgery (CSRF).

Browsers don't send it from pages of other sites (SameSite=Strict). Against other hosts of the same site, a custom
header is required beside it: a page can send that only if CORS allows it.
"""

from contextlib import suppress
from http.cookies import CookieError, SimpleCookie

from igemoji_auth.domain.errors import RefreshTokenMissing, RequestedWithMissing
from igemoji_mesh.interceptors.base import Context

NAME = "igemoji_refresh"
PATH = "/api/v1/users/auth"


def refresh_token(in_body: str, context: Context) -> str:
    """Return the refresh token from the body or the cookie. Raises RefreshTokenMissing or RequestedWithMissing."""
    if in_body:
        return in_body
    metadata = _metadata(context)
    token = _value(metadata.get("cookie", ""))
    if not token:
        raise RefreshTokenMissing("The refresh token is missing: send the cookie or the field. Log in.")
    if not metadata.get("x-requested-with"):
        raise RequestedWithMissing("Send the header X-Requested-With, with any value, together with the cookie.")
    return token


def set_cookie(token: str, seconds: int, context: Context) -> str:
    """Return the Set-Cookie header that stores a refresh token for `seconds`; 0 deletes it."""
    cookie: SimpleCookie = SimpleCookie({NAME: token})
    attributes = {"path": PATH, "max-age": seconds, "httponly": True, "samesite": "Strict"}
    # Secure over HTTPS only: over plain HTTP, as on one machine, browsers would reject the cookie.
    attributes["secure"] = _metadata(context).get("x-forwarded-proto") == "https"
    for name, value in attributes.items():
        cookie[NAME][name] = value
    return cookie[NAME].OutputString()


def _value(header: str) -> str:
    # One at a time, since the parser stops at the first cookie that it can't parse, which may be another site's.
    for part in header.split(";"):
        with suppress(CookieError):
            found = SimpleCookie(part).get(NAME)
            if found is not None:
                return found.value
    return ""


def _metadata(context: Context) -> dict[str, str]:
    return {key: str(value) for key, value in context.invocation_metadata() or ()}
