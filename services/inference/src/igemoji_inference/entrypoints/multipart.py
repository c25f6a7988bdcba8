"""Parser of uploads from browser forms: multipart/form-data (RFC 7578) with the parts `image` and `emoji_id`."""

from dataclasses import dataclass

from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser, parse_options_header

from igemoji_mesh.errors import InvalidInput, Violation

MEDIA_TYPE = "multipart/form-data"
MAX_PARTS = 16
CHUNK_BYTES = 256 * 1024


class FormUnreadable(InvalidInput):
    """The body is not multipart/form-data as its content type declares."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"The form can't be read: {problem}.", violations=[Violation("image", problem)])


@dataclass(frozen=True)
class Form:
    """Parts of a form."""

    image: bytes
    """Empty if the form has no such part."""
    emoji_id: str
    """Empty if the form has no such part."""


def is_form(content_type: str) -> bool:
    """Return whether a body of this content type is a form."""
    return content_type.partition(";")[0].strip().lower() == MEDIA_TYPE


def parse(content_type: str, body: bytes) -> Form:
    """Parse a form. Parts with other names are ignored; of two with the same name the first counts.

    Raises FormUnreadable.
    """
    _, options = parse_options_header(content_type)
    parts: dict[str, bytearray] = {}
    current: bytearray | None = None
    try:
        parser = PushMultipartParser(options.get("boundary", ""), max_segment_count=MAX_PARTS, strict=True)
        with parser:
            view = memoryview(body)
            for start in range(0, len(body), CHUNK_BYTES):
                for event in parser.parse(bytes(view[start : start + CHUNK_BYTES])):
                    if isinstance(event, MultipartSegment):
                        current = parts.setdefault(event.name or "", bytearray()) if event.name not in parts else None
                    elif event and current is not None:
                        current += event
    except ParserLimitReached:
        raise FormUnreadable(f"it has more than {MAX_PARTS} parts, or a part with oversized headers") from None
    except MultipartError:
        raise FormUnreadable(f"it is truncated, or not {MEDIA_TYPE} with the given boundary") from None
    emoji_id = bytes(parts.get("emoji_id", b"")).decode(errors="replace").strip()
    return Form(bytes(parts.get("image", b"")), emoji_id)
