"""Errors of the auth service. A class name is the reason that clients see: EMAIL_TAKEN."""

import datetime
from collections.abc import Sequence

from igemoji_mesh import errors


class EmailTaken(errors.AlreadyExists):
    """Another account has the e-mail address; case is ignored."""


class AliasTaken(errors.AlreadyExists):
    """Another account has the alias; case is ignored."""


class PasswordTooCommon(errors.InvalidInput):
    """The password is in the list of common passwords, or equals the address or the alias."""


class WrongCredentials(errors.Unauthenticated):
    """No such account, or a wrong password; clients can't tell which."""


class AccountGone(errors.Unauthenticated):
    """The access token is valid, but its account was deleted."""

    def __init__(self) -> None:
        super().__init__("This account no longer exists.")


class PasswordWrong(errors.InvalidInput):
    """The current password, required for a change, is wrong."""

    def __init__(self) -> None:
        text = "The current password is wrong."
        super().__init__(text, violations=[errors.Violation("current_password", text)])


class ResetTokenRefused(errors.InvalidInput):
    """The token of a password reset is unknown, expired or used."""

    def __init__(self) -> None:
        text = "This link has expired or was already used. Request a new one."
        super().__init__(text, violations=[errors.Violation("token", text)])


class NotForGuests(errors.Forbidden):
    """A guest has no password, and its alias can't be changed."""


class GuestRegistered(errors.Conflict):
    """The guest is a registered account by now."""


class RotationInProgress(Exception):
    """There are two signing keys already; the older one is removed at `until`."""

    def __init__(self, until: datetime.datetime) -> None:
        super().__init__(until)
        self.until = until


class DeletionNotFound(errors.NotFound):
    """The deletion is unknown, or was completed long ago."""


class RefreshTokenMissing(errors.Unauthenticated):
    """Neither the cookie nor the body contains a refresh token."""


class RefreshTokenRefused(errors.Unauthenticated):
    """The refresh token is unknown, expired, revoked or used."""


class RequestedWithMissing(errors.Forbidden):
    """A cookie was sent without the header that only scripts of our own pages can set."""


class TooManyTries(errors.Exhausted):
    """The attempts of an account or of an IP address have reached a limit."""


class TooManyLogins(errors.Exhausted):
    """The queue of passwords to hash is longer than callers can wait."""

    def __init__(self) -> None:
        super().__init__(
            "Too many logins and registrations at the moment. Try again in a few seconds.", retry_after_seconds=2
        )


def already_taken(fields: Sequence[str]) -> EmailTaken | AliasTaken:
    """Return the error for an account whose `email`, `alias` or both belong to another one."""
    described = {"email": "This e-mail address is already registered.", "alias": "This alias is already taken."}
    kind = EmailTaken if "email" in fields else AliasTaken
    violations = [errors.Violation(field, described[field]) for field in fields]
    return kind(" ".join(violation.description for violation in violations), violations=violations)
