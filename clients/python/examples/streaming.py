"""A stream behind Tollgate: with a wrapped SDK client, and with the guard itself.

The second one is cut after two words: what had come by then is recorded as cancelled.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing

from openai import AsyncOpenAI

from tollgate_grpc import AsyncClient, wrap


async def main(workspace: str) -> None:
    async with AsyncClient() as client, AsyncOpenAI() as llm:
        wrapped = wrap(llm, workspace, client=client, user="ada")
        async for chunk in await wrapped.chat.completions.create(
            model="gpt-4.1", messages=[{"role": "user", "content": "Tell a story"}], stream=True
        ):
            print(chunk.choices[0].delta.content or "", end="", flush=True)
        print()

        heard = []
        async with aclosing(story(client, llm, workspace)) as words:
            async for word in words:
                heard.append(word)
                if len(heard) == 2:
                    break
        print("cut after:", heard)
        await client.flush()


async def story(client: AsyncClient, llm: AsyncOpenAI, workspace: str) -> AsyncGenerator[str, None]:
    async with client.guard(workspace, "gpt-4.1", prompt="Tell a story", user="ada") as call:
        stream = await llm.chat.completions.create(
            model=call.model,
            messages=[{"role": "user", "content": "Tell a story"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        async with stream:
            async for chunk in stream:
                call.record(chunk)
                word = chunk.choices[0].delta.content if chunk.choices else None
                if word:
                    call.output_text += word
                    yield word


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
