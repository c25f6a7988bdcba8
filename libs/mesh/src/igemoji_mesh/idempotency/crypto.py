"""Cryptography of idempotency keys: nothing that is stored can be read without the key.

The key is a secret of its caller and is not stored. The row id, the fingerprint of the request and the encryption key
of the answer are derived from it, each for its own purpose. A reader of the table sees no passwords and no tokens.
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
    """Call with an idempotency key."""

    def __init__(self, key: str, scope: str, request: bytes) -> None:
        """Derive what is stored; `scope` is the method and the caller: a key belongs to both."""
        self.claim = new_id()
        """Fencing token of this attempt."""
        self.id = _derive(key, b"id", scope.encode()).hex()
        self.fingerprint = _derive(key, b"request", scope.encode(), request).hex()
        """Equal for equal requests."""
        self._cipher = AESGCM(_derive(key, b"answer", scope.encode()))

    def encrypt(self, headers: Mapping[str, str], message: bytes) -> bytes:
        """Return an answer, readable with the key only."""
        encoded = json.dumps(dict(headers)).encode()
        plain = len(encoded).to_bytes(LENGTH_BYTES, "big") + encoded + message
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, None)

    def decrypt(self, encrypted: bytes) -> tuple[dict[str, str], bytes]:
        """Return the headers and the message of an answer."""
        plain = self._cipher.decrypt(encrypted[:NONCE_BYTES], encrypted[NONCE_BYTES:], None)
        end = LENGTH_BYTES + int.from_bytes(plain[:LENGTH_BYTES], "big")
        headers: dict[str, str] = json.loads(plain[LENGTH_BYTES:end])
        return headers, plain[end:]


def canonical_bytes(request: Message) -> bytes:
    """Return the bytes of a request without the boundary of a form, which clients choose at random each time."""
    fields = [field.name for field, value in request.ListFields() if isinstance(value, HttpBody)]
    for name in fields:
        found = _BOUNDARY.search(getattr(request, name).content_type)
        if found:
            copy = type(request)()
            copy.CopyFrom(request)
            body = getattr(copy, name)
            body.data = body.data.replace(found[1].encode(), b"")
            body.content_type = body.content_type.replace(found[1], "")
            request = copy
    return request.SerializeToString(deterministic=True)


def _derive(key: str, purpose: bytes, *inputs: bytes) -> bytes:
    """Return 32 bytes that nobody can compute without the key: HMAC with SHA-256 as a pseudorandom function."""
    mac = hmac.new(key.encode(), digestmod="sha256")
    for part in (purpose, *inputs):
        mac.update(len(part).to_bytes(8, "big"))
        mac.update(part)
    return mac.digest()
