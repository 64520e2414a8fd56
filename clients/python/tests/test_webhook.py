"""Verification of deliveries to webhooks: the cases of all clients."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import ROOT

from tollgate_grpc import TollgateError, WebhookError, WebhookVerifier

FILE = json.loads((ROOT / "clients/conformance/webhook.json").read_text())


@pytest.mark.parametrize("case", FILE["verified"], ids=lambda case: case["about"])
def test_verified(case: dict[str, Any]) -> None:
    verifier = WebhookVerifier(*case["secrets"])
    verifier.verify(case["headers"], case["body"].encode(), at=case["now"])
    verifier.verify(case["headers"], case["body"].encode(), at=case["now"] + 0.9)


@pytest.mark.parametrize("case", FILE["refused"], ids=lambda case: case["about"])
def test_refused(case: dict[str, Any]) -> None:
    with pytest.raises(WebhookError) as refused:
        WebhookVerifier(*case["secrets"]).verify(
            case["headers"], case["body"].encode(), at=case["now"]
        )
    assert str(refused.value) == case["message"]
    assert isinstance(refused.value, TollgateError)


def test_secrets_that_are_none() -> None:
    assert len(FILE["secrets_refused"]) > 9
    for secret in FILE["secrets_refused"]:
        with pytest.raises(ValueError, match="^the secret of a webhook is whsec_ and base64$"):
            WebhookVerifier(secret)
    with pytest.raises(ValueError, match="needs a secret"):
        WebhookVerifier()
    with pytest.raises(ValueError, match="tolerance"):
        WebhookVerifier(FILE["verified"][0]["secrets"][0], tolerance=-1)


def test_the_tolerance_is_settable() -> None:
    case = FILE["verified"][0]
    century = 100 * 365 * 86_400
    # It is years old.
    with pytest.raises(WebhookError, match="in the past"):
        WebhookVerifier(*case["secrets"]).verify(case["headers"], case["body"].encode())
    WebhookVerifier(*case["secrets"], tolerance=century).verify(
        case["headers"], case["body"].encode()
    )
