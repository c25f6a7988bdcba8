"""Errors of photos, pictures and models; texts are for the person who uploaded the file. Cheap to import."""


class PhotoError(Exception):
    """Refused photo. `reason` is for programs, the text for people."""

    reason = "PHOTO_UNUSABLE"
    text = "This photo cannot be used."

    def __init__(self, text: str = "") -> None:
        super().__init__(text or self.text)


class PhotoEmpty(PhotoError):
    """The file has no bytes."""

    reason = "PHOTO_EMPTY"
    text = "The upload is empty: send the bytes of a photo."


class PhotoNotRecognized(PhotoError):
    """The file has none of the supported formats."""

    reason = "PHOTO_NOT_RECOGNIZED"
    text = "This is not a photo in JPEG, PNG, WebP or HEIC format."


class PhotoKindUnsupported(PhotoError):
    """The format is supported, this coding is not."""

    reason = "PHOTO_KIND_UNSUPPORTED"
    text = "This rare kind of photo is not supported: save it as an ordinary JPEG or PNG."


class PhotoTooManyPixels(PhotoError):
    """Width times height exceeds the limit."""

    reason = "PHOTO_TOO_MANY_PIXELS"
    text = "The photo has too many pixels: at most 40 megapixels are allowed."


class PhotoTruncated(PhotoError):
    """The file ends too early."""

    reason = "PHOTO_TRUNCATED"
    text = "The photo is cut short: the upload or the file is incomplete."


class PhotoDamaged(PhotoError):
    """The file can't be decoded."""

    reason = "PHOTO_DAMAGED"
    text = "The photo is damaged and cannot be read."


class PictureUnusable(PhotoError):
    """A picture of the template, not the photo, cannot be read."""

    reason = "PICTURE_UNUSABLE"
    text = "A picture of the emoji template cannot be read."


class PictureUnfit(Exception):
    """A picture that can't be taken for a template; the text, a predicate, is for the person who gave it."""


class ModelDamaged(Exception):
    """A model file is missing or differs from its manifest."""


class EngineMissing(Exception):
    """The packages of the chosen engine are not installed."""
