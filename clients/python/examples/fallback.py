"""What happens at a cap: a cheaper model answers, and without fallback nobody does.

The workspace has a small cap on gpt-4.1, with gpt-4.1-mini behind it.
"""

import sys

from openai import OpenAI

from tollgate_grpc import Blocked, Client, wrap
from tollgate_grpc import v1 as pb


def main(workspace: str) -> None:
    with Client() as client, OpenAI() as sdk:
        llm = wrap(sdk, workspace, client=client)
        for switch in (True, False):
            client.budget.SetAutomaticFallback(
                pb.SetAutomaticFallbackRequest(workspace_id=workspace, enabled=switch)
            )
            try:
                answer = llm.chat.completions.create(
                    model="gpt-4.1",
                    messages=[{"role": "user", "content": "Summarise " + "the report " * 400}],
                    max_completion_tokens=500,
                )
                print(f"fallback {switch}: answered by {answer.model}")
            except Blocked as blocked:
                print(f"fallback {switch}: {blocked}")
                print("retry after:", blocked.retry_after)


if __name__ == "__main__":
    main(*sys.argv[1:])
