"""Why a photo cannot be used, in words for the person who uploaded it. Cheap to import."""


class PhotoError(Exception):
    """A photo that is refused. `reason` is for programs, the text for people."""

    reason = "PHOTO_UNUSABLE"
    text = "This photo cannot be used."

    def __init__(self, text: str = "") -> None:
        super().__init__(text or self.text)


class PhotoEmpty(PhotoError):
    reason = "PHOTO_EMPTY"
    text = "The upload is empty: send the bytes of a photo."


class PhotoNotRecognized(PhotoError):
    reason = "PHOTO_NOT_RECOGNIZED"
    text = "This is not a photo in JPEG, PNG, WebP or HEIC format."


class PhotoKindUnsupported(PhotoError):
    reason = "PHOTO_KIND_UNSUPPORTED"
    text = "This rare kind of photo is not supported: save it as an ordinary JPEG or PNG."


class PhotoTooManyPixels(PhotoError):
    reason = "PHOTO_TOO_MANY_PIXELS"
    text = "The photo has too many pixels: at most 40 megapixels are allowed."


class PhotoTruncated(PhotoError):
    reason = "PHOTO_TRUNCATED"
    text = "The photo is cut short: the upload or the file is incomplete."


class PhotoDamaged(PhotoError):
    reason = "PHOTO_DAMAGED"
    text = "The photo is damaged and cannot be read."


class PictureUnusable(PhotoError):
    """A picture of the template, not the photo, cannot be read."""

    reason = "PICTURE_UNUSABLE"
    text = "A picture of the emoji template cannot be read."


class PictureUnfit(Exception):
    """A picture that can't be taken for a template; the text, a predicate, is for the person who gave it."""


class ModelDamaged(Exception):
    """A model file is missing or not the one that was built: nothing can be recognized until it is built again."""


class EngineMissing(Exception):
    """The engine that was asked for is not installed."""
