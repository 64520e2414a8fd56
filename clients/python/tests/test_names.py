"""Names of the API, and the reasons of its errors."""

from __future__ import annotations

from typing import Any, get_args

import grpc
import pytest
from conftest import LONG, Server

import tollgate_grpc
from tollgate_grpc import AsyncClient, Client, error_reason, names
from tollgate_grpc import v1 as pb

UNIONS = [name for name in vars(names) if get_args(getattr(names, name))]


@pytest.mark.parametrize("name", UNIONS)
def test_every_member_of_an_enum_is_in_its_union(name: str) -> None:
    enum = getattr(pb, name)
    prefix = enum.Name(0).removesuffix("UNSPECIFIED")
    members = tuple(member.removeprefix(prefix) for member in enum.keys()[1:])
    assert get_args(getattr(names, name)) == members
    assert getattr(tollgate_grpc, name) is getattr(names, name)


def test_there_are_unions() -> None:
    assert len(UNIONS) == 11 and "Reason" in UNIONS and "ErrorReason" in UNIONS


def test_the_reason_of_an_error(client: Client) -> None:
    with pytest.raises(grpc.RpcError) as unknown:
        client.budget.GetBudget(pb.GetBudgetRequest(workspace_id="nowhere"))
    assert error_reason(unknown.value) == "WORKSPACE_NOT_FOUND"
    with pytest.raises(grpc.RpcError) as invalid:
        client.budget.GetBudget(pb.GetBudgetRequest())
    assert error_reason(invalid.value) == "INVALID_FIELD"
    assert error_reason(ValueError("other")) is None


async def test_the_reason_of_an_asynchronous_error(server: Server) -> None:
    async with AsyncClient(server.address, timeout=LONG) as client:
        with pytest.raises(grpc.RpcError) as unknown:
            await client.budget.GetBudget(pb.GetBudgetRequest(workspace_id="nowhere"))
        assert error_reason(unknown.value) == "WORKSPACE_NOT_FOUND"


@pytest.mark.parametrize(
    ("domain", "expected"), [("tollgate", "NEW"), ("other", None)], ids=["newer", "other"]
)
def test_the_reason_of_others(domain: str, expected: str | None) -> None:
    class Failed(Exception):
        def trailing_metadata(self) -> Any:
            info = _field(1, b"ERROR_REASON_NEW") + _field(2, domain.encode())
            detail = _field(1, b"type.googleapis.com/google.rpc.ErrorInfo") + _field(2, info)
            status = _field(3, _field(1, b"other") + _field(2, b"\x08\x01")) + _field(3, detail)
            return (("other", "value"), ("grpc-status-details-bin", status))

    assert error_reason(Failed()) == expected


def _field(number: int, value: bytes) -> bytes:
    return bytes([number << 3 | 2, len(value)]) + value
