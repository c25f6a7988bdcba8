"""What is stored of a call with an `Idempotency-Key`: nothing that can be read without the key.

The key is a secret of its caller. Where to find the row, what the request was and the answer, sealed, are all made with
it, each for its use alone. Who reads the table learns nothing of passwords and tokens.
"""

import hmac
import json
import re
import secrets
from collections.abc import Mapping

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.message import Message

from igemoji_mesh.ids import new_id

NONCE_BYTES = 12
LENGTH_BYTES = 4

_BOUNDARY = re.compile(r'boundary="?([^";,]+)"?', re.IGNORECASE)


class KeyedCall:
    """One call that came with a key."""

    def __init__(self, key: str, scope: str, request: bytes) -> None:
        """`scope` is the method and who calls it: a key means nothing to others."""
        self.claim = new_id()
        """Of this call alone, while it has the key."""
        self.id = _derived(key, b"id", scope.encode()).hex()
        self.request = _derived(key, b"request", scope.encode(), request).hex()
        """The same for the same request."""
        self._sealing = AESGCM(_derived(key, b"answer", scope.encode()))

    def sealed(self, headers: Mapping[str, str], message: bytes) -> bytes:
        """An answer, for who has the key."""
        encoded = json.dumps(dict(headers)).encode()
        plain = len(encoded).to_bytes(LENGTH_BYTES, "big") + encoded + message
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._sealing.encrypt(nonce, plain, None)

    def opened(self, sealed: bytes) -> tuple[dict[str, str], bytes]:
        """The headers and the message of an answer."""
        plain = self._sealing.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
        end = LENGTH_BYTES + int.from_bytes(plain[:LENGTH_BYTES], "big")
        headers: dict[str, str] = json.loads(plain[LENGTH_BYTES:end])
        return headers, plain[end:]


def comparable(request: Message) -> bytes:
    """A request's bytes, the same for the same request: clients make the boundary of a form up anew each time."""
    fields = [field.name for field, value in request.ListFields() if isinstance(value, HttpBody)]
    for name in fields:
        found = _BOUNDARY.search(getattr(request, name).content_type)
        if found:
            same = type(request)()
            same.CopyFrom(request)
            body = getattr(same, name)
            body.data = body.data.replace(found[1].encode(), b"")
            body.content_type = body.content_type.replace(found[1], "")
            request = same
    return request.SerializeToString(deterministic=True)


def _derived(key: str, use: bytes, *about: bytes) -> bytes:
    """32 bytes that only who has the key can make: HMAC with SHA-256 as a pseudorandom function."""
    mac = hmac.new(key.encode(), digestmod="sha256")
    for part in (use, *about):
        mac.update(len(part).to_bytes(8, "big"))
        mac.update(part)
    return mac.digest()
