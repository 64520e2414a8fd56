"""The pages of List calls."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from conftest import LONG, Server, Workspace

from tollgate_grpc import AsyncClient, Client, TollgateError, async_pages, pages
from tollgate_grpc import v1 as pb

GROUPS = ["a", "b", "c", "d", "e"]


@pytest.fixture
def groups(workspace: Workspace) -> pb.ListKeyGroupsRequest:
    """A request of key groups that there are."""
    for name in GROUPS:
        group = pb.KeyGroup(key_group_id=name)
        workspace.client.api_key.CreateKeyGroup(
            pb.CreateKeyGroupRequest(workspace_id=workspace.id, key_group=group)
        )
    return pb.ListKeyGroupsRequest(workspace_id=workspace.id, page_size=2)


def test_every_entry_is_there_once(client: Client, groups: pb.ListKeyGroupsRequest) -> None:
    # Also for the second time, as the request is not changed.
    for _ in range(2):
        got = list(pages(client.api_key.ListKeyGroups, groups))
        assert [len(page.key_groups) for page in got] == [2, 2, 1]
        assert [group.key_group_id for page in got for group in page.key_groups] == GROUPS
    later = pb.ListKeyGroupsRequest(page_token=got[0].next_page_token)
    later.MergeFrom(groups)
    first = next(pages(client.api_key.ListKeyGroups, later))
    assert first.key_groups[0].key_group_id == "c"


async def test_every_entry_is_there_once_for_asyncio(
    server: Server, groups: pb.ListKeyGroupsRequest
) -> None:
    async with AsyncClient(server.address, timeout=LONG) as client:
        got = [page async for page in async_pages(client.api_key.ListKeyGroups, groups)]
        assert [group.key_group_id for page in got for group in page.key_groups] == GROUPS
        wrong = pb.ListKeyGroupsRequest(workspace_id="nowhere")
        with pytest.raises(grpc.RpcError):
            await anext(async_pages(client.api_key.ListKeyGroups, wrong))


def test_every_list_of_the_api_has_pages(client: Client, workspace: Workspace) -> None:
    count = 0
    for name in Client.__annotations__:
        stub = getattr(client, name)
        for method in [one for one in vars(stub) if one.startswith("List")]:
            request = getattr(pb, f"{method}Request")()
            if "page_token" not in request.DESCRIPTOR.fields_by_name:
                assert method == "ListBudgetRisks", f"client.{name}.{method} has no pages"
                continue
            count += 1
            if "workspace_id" in request.DESCRIPTOR.fields_by_name:
                request.workspace_id = workspace.id
            if method == "ListModelPrices":
                request.model_id = "gpt-4.1"
            if method == "ListEntries":
                request.kind = pb.DIRECTORY_KIND_USER
            list(pages(getattr(stub, method), request))
    assert count > 25


@pytest.mark.parametrize("tokens", [["a", "a"], ["a", "b", "a"], ["begin"]], ids=str)
async def test_a_repeated_token_is_an_error(tokens: list[str]) -> None:
    def answers() -> Any:
        rest = iter(tokens)
        return lambda _: pb.ListModelsResponse(next_page_token=next(rest))

    request = pb.ListModelsRequest(page_token="begin")
    with pytest.raises(TollgateError, match="page token again"):
        list(pages(answers(), request))
    answer = answers()

    async def answer_later(request: pb.ListModelsRequest) -> pb.ListModelsResponse:
        made: pb.ListModelsResponse = answer(request)
        return made

    with pytest.raises(TollgateError, match="page token again"):
        _ = [page async for page in async_pages(answer_later, request)]
