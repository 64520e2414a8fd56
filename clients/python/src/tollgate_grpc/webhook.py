"""Says whether what is posted to a webhook comes from the server: Standard Webhooks, version 1."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Mapping

from .errors import TollgateError

_ID, _TIMESTAMP, _SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_SECONDS = re.compile(r"[0-9]{1,15}")


class WebhookError(TollgateError):
    """A delivery that is not from the server, or too old; it says why, without anything secret."""


class WebhookVerifier:
    """Verifies the signatures of deliveries. Safe for threads.

    The server may post a delivery again: a receiver that has seen its header `webhook-id` may
    ignore it.
    """

    def __init__(self, *secrets: str, tolerance: float = 300.0) -> None:
        """Takes the secrets that `CreateWebhook` and `RotateWebhookSecret` return.

        A delivery that is signed with any of them is verified. While a secret is rotated the
        server signs with both, so that the old one or the new one is enough. `tolerance` is how
        many seconds the time of a delivery may be from now, in both directions. Raises
        `ValueError` for a secret that is none.
        """
        if not secrets:
            raise ValueError("a webhook verifier needs a secret")
        if not tolerance >= 0:
            raise ValueError(f"tolerance is not negative, in seconds, not {tolerance}")
        self._keys = [_key(secret) for secret in secrets]
        self._tolerance = tolerance

    def verify(self, headers: Mapping[str, str], body: bytes, *, at: float | None = None) -> None:
        """Returns if a delivery is from the server and not old. Raises `WebhookError` if not.

        `headers` are those of the request in any case, `body` its bytes as they came. Answer 400
        where it raises. `at` is another time than now, in seconds since 1970, for tests and for
        deliveries that were kept.
        """
        values: dict[str, str] = {}
        for name, value in headers.items():
            values.setdefault(name.lower(), value)
        for name in (_ID, _TIMESTAMP, _SIGNATURE):
            if not values.get(name):
                raise WebhookError(f"{name} is missing")
        self._check_time(values[_TIMESTAMP], time.time() if at is None else at)
        given = [
            text.encode("utf-8", "replace")
            for text in values[_SIGNATURE].split(" ")
            if text[:3] == "v1,"
        ]
        if not given:
            raise WebhookError(f"{_SIGNATURE} has no signature of version 1, such as v1,…")
        head = f"{values[_ID]}.{values[_TIMESTAMP]}."
        signed = head.encode("utf-8", "replace") + body
        for key in self._keys:
            expected = b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
            if any(hmac.compare_digest(expected, signature) for signature in given):
                return
        raise WebhookError(
            f"{_SIGNATURE} does not fit: the secret is another one, or the body is not as it was"
            " sent"
        )

    def _check_time(self, timestamp: str, now: float) -> None:
        if not _SECONDS.fullmatch(timestamp):
            raise WebhookError(f"{_TIMESTAMP} is no whole number of seconds")
        age = int(now) - int(timestamp)
        if abs(age) > self._tolerance:
            where = "past" if age > 0 else "future"
            raise WebhookError(
                f"{_TIMESTAMP} is {abs(age)} s in the {where}; expected at most"
                f" {self._tolerance:g} s"
            )


def _key(secret: str) -> bytes:
    text = secret.removeprefix("whsec_")
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    # Also the same bytes in base64 that is written otherwise are refused.
    if not key or text == secret or base64.b64encode(key).decode() != text:
        raise ValueError("the secret of a webhook is whsec_ and base64") from None
    return key
