"""One LLM call behind Tollgate.

TOLLGATE_ADDRESS names the server; OPENAI_API_KEY and OPENAI_BASE_URL are those of the SDK.
"""

import sys

from openai import OpenAI

from tollgate_grpc import Blocked, Client


def main(workspace: str) -> None:
    question = "Why is the sky blue?"
    with Client() as client, OpenAI() as llm:
        try:
            with client.guard(
                workspace, "gpt-4.1", prompt=question, max_output_tokens=500, user="ada", wait=True
            ) as call:
                answer = llm.chat.completions.create(
                    model=call.model,
                    messages=[{"role": "user", "content": question}],
                    max_completion_tokens=500,
                )
                call.record(answer)
        except Blocked as blocked:
            sys.exit(f"{blocked}")
        assert call.recorded
        cost = call.recorded.cost
        print(answer.choices[0].message.content)
        print(f"{call.model} cost {cost.amount} {cost.currency_code}")


if __name__ == "__main__":
    main(*sys.argv[1:])
