"""The README's example and the examples, as a new user runs them, and what the server has of it."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
import uuid
from decimal import Decimal

import pytest
from conftest import LONG, PYTHONPATH, Server, Workspace
from provider import WORDS, Provider

from tollgate_grpc import Client
from tollgate_grpc import v1 as pb

HERE = pathlib.Path(__file__).parents[1]
TEXT = "".join(WORDS)


@pytest.fixture
def environment(server: Server, provider: Provider) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": PYTHONPATH,
        "TOLLGATE_ADDRESS": server.address,
        "OPENAI_API_KEY": "k",
        "OPENAI_BASE_URL": f"{provider.url}/v1",
    }


def run(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=HERE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=5 * LONG,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_example_of_the_readme(
    environment: dict[str, str], server: Server, workspace: Workspace
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (HERE / "README.md").read_text(), re.DOTALL)
    example = blocks[0]
    statements = [line for line in example.splitlines() if line and "import" not in line]
    assert len(statements) <= 10, "ten lines"
    assert '"acme"' in example
    assert "127.0.0.1:50051" in example
    example = example.replace("acme", workspace.id).replace("127.0.0.1:50051", server.address)
    assert run(environment, "-c", example).strip() == TEXT
    (record,) = workspace.wait_for(1)
    assert record.attribution.user_id == "ada"
    assert workspace.spent() == Decimal("0.003"), "600 of input, 400 cached, 200 of output"


def test_basic(environment: dict[str, str], workspace: Workspace) -> None:
    output = run(environment, "examples/basic.py", workspace.id)
    assert output == f"{TEXT}\ngpt-4.1 cost 0.003 USD\n"


def test_streaming(environment: dict[str, str], workspace: Workspace) -> None:
    output = run(environment, "examples/streaming.py", workspace.id)
    assert output == f"{TEXT}\ncut after: {WORDS[:2]}\n"
    whole, cut = workspace.records()
    assert (whole.outcome, cut.outcome) == (pb.OUTCOME_SUCCESS, pb.OUTCOME_CANCELLED)
    assert cut.usage.output_token_count == 4


def test_fallback(environment: dict[str, str], workspace: Workspace) -> None:
    workspace.cap("gpt-4.1", "0.001", "gpt-4.1-mini")
    first, second, third = run(environment, "examples/fallback.py", workspace.id).splitlines()
    assert first == "fallback True: answered by gpt-4.1-mini-2025-04-14"
    assert second.startswith("fallback False: blocked: model limit of model gpt-4.1")
    assert third == "retry after: None"


def test_admin(environment: dict[str, str], admin: Client) -> None:
    name = f"w{uuid.uuid4().hex[:12]}"
    lines = run(environment, "examples/admin.py", name).splitlines()
    assert lines[0].startswith("spent 0")
    assert lines[-1].startswith("spent 0.0028 USD, held 0")
