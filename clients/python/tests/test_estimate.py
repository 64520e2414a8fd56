"""The estimate of an input, on the cases of all languages; and usage that a caller counted."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from anthropic.types import TextBlock
from conftest import ROOT, Workspace

from tollgate_grpc import Blocked, Client, Usage, estimate, estimate_tokens
from tollgate_grpc import v1 as pb

FILE = json.loads((ROOT / "clients/conformance/estimate.json").read_text())


def test_the_rule_is_that_of_all_languages() -> None:
    assert len(FILE["rule"]) == 9 and len(FILE["cases"]) >= 27
    for name, expected in FILE["rule"].items():
        mine = json.loads(json.dumps(getattr(estimate, name.upper())))
        assert mine == expected, name


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: case["name"])
def test_an_input_is_estimated(case: dict[str, Any]) -> None:
    assert estimate_tokens(case["content"]) == case["tokens"]


def test_a_tokenizer_counts_texts_alone() -> None:
    messages = [
        {"role": "system", "content": "x" * 8},
        {"role": "user", "content": [{"type": "text", "text": "y" * 8}, {"type": "image_url"}]},
    ]
    assert estimate_tokens(messages) == 4 + 1105
    assert estimate_tokens(messages, tokenizer=len) == 16 + 1105


def test_objects_and_bytes() -> None:
    assert estimate_tokens([TextBlock(type="text", text="four" * 2)]) == 2
    assert estimate_tokens({"text": b"bytes", "other": object(), "number": 7}) == 0


def test_units_and_factors(client: Client, workspace: Workspace) -> None:
    usage = Usage(5, units={"WEB_SEARCH": 3, "SECOND": 0}, factors=("us",))
    with client.guard(workspace.id, "gpt-4.1", input_tokens=5) as call:
        call.record(usage)
    (record,) = workspace.wait_for(1)
    counted = Usage.from_proto(record.usage, record.factors)
    assert counted == Usage(5, units={"WEB_SEARCH": 3}, factors=("us",))
    assert list(record.usage.units) == [pb.UsageUnit(kind=pb.UNIT_KIND_WEB_SEARCH, count=3)]
    # The hold covers what is checked; a factor that the price does not have may not run.
    with client.guard(
        workspace.id, "gpt-4.1", input_tokens=5, max_output_tokens=0, units={"WEB_SEARCH": 5}
    ) as call:
        assert call.held is not None and call.held.amount > Decimal("0.01")
    factors = client.guard(workspace.id, "gpt-4.1", input_tokens=5, factors=["us"])
    with pytest.raises(Blocked, match="MODEL_UNPRICED"), factors:
        raise AssertionError
    with pytest.raises(ValueError, match="UNIT_KIND_GIZMO"):
        Usage(units={"GIZMO": 1}).to_proto()  # type: ignore[dict-item]
