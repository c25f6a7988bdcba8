"""Errors of the inference service. Their class names are the reasons that clients see."""

import datetime

from igemoji_mesh.errors import Exhausted, FailedPrecondition, InvalidInput, NotFound, Unauthenticated, Violation
from igemoji_vision.errors import PhotoError


class TaskNotFound(NotFound):
    """The task does not exist or belongs to another user; the answer does not say which."""

    def __init__(self) -> None:
        super().__init__("There is no such task.")


class EmojiNotFound(NotFound):
    """The template does not exist, or this user may not use it."""

    def __init__(self) -> None:
        super().__init__("There is no such emoji template.", violations=[Violation("emoji_id", "does not exist")])


class EmojiMissing(InvalidInput):
    """The upload names no template."""

    def __init__(self) -> None:
        super().__init__("Choose a template: emoji_id is missing.", violations=[Violation("emoji_id", "is missing")])


class ResultNotReady(FailedPrecondition):
    """The task has no result."""

    def __init__(self, state: str) -> None:
        super().__init__(f"This task has no finished photo: it is {state}.", metadata={"state": state})


class NotFinished(FailedPrecondition):
    """The task can't be revised yet."""

    def __init__(self) -> None:
        super().__init__("Faces can be revised once the photo is finished.")


class OriginalGone(FailedPrecondition):
    """Retention has deleted the original."""

    def __init__(self) -> None:
        super().__init__(
            "The original of this photo has been deleted, so its faces can't be revised. Upload the photo again."
        )


class FaceNotFound(NotFound):
    """The photo has no face with this number."""

    def __init__(self, face: int, faces: int) -> None:
        text = f"There is no face {face}: this photo has {faces}, counted from 0."
        super().__init__(text, violations=[Violation("face", text)])


class NothingToRevise(InvalidInput):
    """The revision changes nothing."""

    def __init__(self) -> None:
        text = "Nothing to change: set the expression, covered, or both."
        super().__init__(text, violations=[Violation("expression", text)])


class BoxOutside(InvalidInput):
    """The box of an added face is not inside the photo."""

    def __init__(self, width: int, height: int, min_pixels: int) -> None:
        text = f"at least {min_pixels} pixels of each side must lie within the photo of {width} x {height}"
        super().__init__(f"box: {text}", violations=[Violation("box", text)])


class TooManyFaces(FailedPrecondition):
    """The photo has as many faces as a photo can have."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"A photo can have at most {limit} faces.")


class LinkNotFound(NotFound):
    """The share link does not exist, has expired or was revoked; the answer does not say which."""

    def __init__(self) -> None:
        super().__init__("This link does not exist, has expired or was revoked.")


class AccountGone(Unauthenticated):
    """The token is valid, but its account was deleted."""

    def __init__(self) -> None:
        super().__init__("This account no longer exists.")


class TooManyOpenTasks(Exhausted):
    """The user's quota of open tasks is used up."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"At most {limit} of your photos can be in progress at a time.", retry_after_seconds=2)


class TooManyPhotosToday(Exhausted):
    """The user's quota of photos a day is used up."""

    def __init__(self, limit: int, now: datetime.datetime) -> None:
        midnight = datetime.datetime.combine(now.date() + datetime.timedelta(days=1), datetime.time(), datetime.UTC)
        super().__init__(
            f"At most {limit} of your photos are accepted per day; the next day begins at midnight, UTC.",
            metadata={"limit": str(limit), "until": midnight.isoformat()},
            retry_after_seconds=max(1.0, (midnight - now).total_seconds()),
        )


class TooManyWatchers(Exhausted):
    """The user's quota of watched tasks is used up."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"At most {limit} of your photos can be watched at a time.", retry_after_seconds=5)


class QueueFull(Exhausted):
    """The queue of all users is full."""

    def __init__(self) -> None:
        super().__init__("Too many photos are waiting. Try again in a moment.", retry_after_seconds=10)


class PhotoTooLarge(InvalidInput):
    """The photo has too many bytes."""

    http_code = 413

    def __init__(self, limit_bytes: int) -> None:
        text = f"The photo is larger than {limit_bytes // 2**20} MiB."
        super().__init__(text, violations=[Violation("image", text)])


class PhotoRefused(InvalidInput):
    """The upload is not an acceptable photo; the reason is that of the vision error."""

    def __init__(self, error: PhotoError) -> None:
        super().__init__(str(error), violations=[Violation("image", str(error))])
        self._reason = error.reason

    @property
    def reason(self) -> str:
        """Return the reason of the vision error."""
        return self._reason
