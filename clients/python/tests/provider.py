"""A fake of the HTTP APIs of OpenAI and Anthropic, with usage in the shapes that they document.

The last user message says what happens: "fail" is answered with status 500, "cut" ends a stream
in the middle, "slow" never ends it, "length" and "broken" cut an answer off; anything else is
answered. A response in the background is queued, in progress when it is first asked for, and then
completed. Runs alone too, for the examples.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WORDS = ["Tollgate ", "keeps ", "spend ", "inside."]
CHAT_USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 200,
    "total_tokens": 1200,
    "prompt_tokens_details": {"cached_tokens": 400, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 50, "audio_tokens": 0},
}
RESPONSES_USAGE = {
    "input_tokens": 1000,
    "input_tokens_details": {"cached_tokens": 400, "cache_write_tokens": 0},
    "output_tokens": 200,
    "output_tokens_details": {"reasoning_tokens": 50},
    "total_tokens": 1200,
}
MESSAGE_USAGE = {
    "input_tokens": 600,
    "cache_read_input_tokens": 400,
    "cache_creation_input_tokens": 30,
    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
    "output_tokens": 200,
    "service_tier": "standard",
}


class Provider:
    """Serves on a free port of loopback until it is closed."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.jobs: dict[str, list[dict[str, Any]]] = {}
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Callers that go away are what some tests are about."""


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
            provider.requests.append(body)
            key = self.headers["x-api-key"] or self.headers["authorization"] or ""
            provider.keys.append(key.removeprefix("Bearer "))
            said = _said(body)
            if said == "fail":
                return self._json({"error": {"message": "overloaded", "type": "x"}}, status=500)
            if self.path.endswith("/cancel"):
                (job,) = provider.jobs[self.path.split("/")[-2]][-1:]
                return self._json({**job, "status": "cancelled", "usage": None})
            answer = _ANSWERS[self.path.partition("?")[0]]
            if body.get("background"):
                return self._json(_job(provider, answer(body)[0]))
            if not body.get("stream"):
                return self._json(answer(body)[0])
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            events = list(answer(body)[1])
            if said in ("cut", "slow"):
                events = events[: len(events) // 2]
            for event in events:
                name = f"event: {event['type']}\n" if "type" in event else ""
                self._chunk(f"{name}data: {json.dumps(event)}\n\n")
            if said == "slow":
                return self._wait()
            if said == "cut":
                self.close_connection = True
                return
            if "chat" in self.path:
                self._chunk("data: [DONE]\n\n")
            self._chunk("")

        def do_GET(self) -> None:
            states = provider.jobs[self.path.rpartition("/")[2]]
            self._json(states.pop(0) if len(states) > 1 else states[0])

        def _chunk(self, text: str) -> None:
            data = text.encode()
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()

        def _wait(self) -> None:
            """Holds the stream open until the caller goes away."""
            self.close_connection = True
            try:
                while True:
                    time.sleep(0.05)
                    self._chunk(": still here\n\n")
            except OSError:
                pass

        def _json(self, answer: dict[str, Any], status: int = 200) -> None:
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


def _said(body: dict[str, Any]) -> str:
    messages = body.get("messages") or body.get("input") or ""
    if isinstance(messages, list):
        messages = messages[-1]["content"]
    if isinstance(messages, list):
        messages = messages[-1].get("text")
    return str(messages)


Answer = tuple[dict[str, Any], Iterator[dict[str, Any]]]


def _chat(body: dict[str, Any]) -> Answer:
    model = f"{body['model']}-2025-04-14" if body["model"].startswith("gpt-4.1") else body["model"]
    tier = body.get("service_tier", "default")
    head = {"id": "chatcmpl-1", "created": 1, "model": model, "service_tier": tier}
    content = '{"city": "Bonn"}' if body.get("response_format") else "".join(WORDS)
    reason = "stop"
    if _said(body) in ("length", "broken"):
        content = content[:7]
        reason = "length" if _said(body) == "length" else reason
    if _said(body) == "strange":
        reason = "as no SDK knows it"
    message = {"role": "assistant", "content": content, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
    whole = {**head, "object": "chat.completion", "choices": [choice], "usage": CHAT_USAGE}

    def events() -> Iterator[dict[str, Any]]:
        counted = (body.get("stream_options") or {}).get("include_usage")
        chunk = {**head, "object": "chat.completion.chunk", **({"usage": None} if counted else {})}
        for word in WORDS:
            delta = {"role": "assistant", "content": word}
            yield {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        yield {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        if counted:
            yield {**chunk, "choices": [], "usage": CHAT_USAGE}

    return whole, events()


def _job(provider: Provider, whole: dict[str, Any]) -> dict[str, Any]:
    job = {**whole, "id": f"resp_{len(provider.jobs) + 2}", "background": True}
    begun = {**job, "output": [], "usage": None}
    provider.jobs[job["id"]] = [{**begun, "status": "in_progress"}, job]
    return {**begun, "status": "queued"}


def _responses(body: dict[str, Any]) -> Answer:
    text = {"type": "output_text", "text": "".join(WORDS), "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
    whole = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": body["model"],
        "service_tier": body.get("service_tier", "default"),
        "output": [{**item, "content": [text]}],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": RESPONSES_USAGE,
    }

    def events() -> Iterator[dict[str, Any]]:
        begun = {**whole, "status": "in_progress", "output": [], "usage": None}
        yield {"type": "response.created", "sequence_number": 0, "response": begun}
        added: dict[str, Any] = {"output_index": 0, "sequence_number": 0}
        opened = {**item, "status": "in_progress", "content": []}
        yield {"type": "response.output_item.added", "item": opened, **added}
        empty = {**text, "text": ""}
        added.update({"item_id": "msg_1", "content_index": 0})
        yield {"type": "response.content_part.added", "part": empty, **added}
        place = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "logprobs": []}
        for number, word in enumerate(WORDS, 1):
            kind = "response.output_text.delta"
            yield {"type": kind, "sequence_number": number, "delta": word, **place}
        yield {"type": "response.completed", "sequence_number": 9, "response": whole}

    return whole, events()


def _messages(body: dict[str, Any]) -> Answer:
    whole = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [{"type": "text", "text": "".join(WORDS)}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": MESSAGE_USAGE,
    }

    def events() -> Iterator[dict[str, Any]]:
        begun = {**whole, "content": [], "stop_reason": None}
        begun["usage"] = {**MESSAGE_USAGE, "output_tokens": 1}
        yield {"type": "message_start", "message": begun}
        block = {"type": "text", "text": ""}
        yield {"type": "content_block_start", "index": 0, "content_block": block}
        for word in WORDS:
            delta = {"type": "text_delta", "text": word}
            yield {"type": "content_block_delta", "index": 0, "delta": delta}
        yield {"type": "content_block_stop", "index": 0}
        end = {"stop_reason": "end_turn", "stop_sequence": None}
        yield {"type": "message_delta", "delta": end, "usage": {"output_tokens": 200}}
        yield {"type": "message_stop"}

    return whole, events()


_ANSWERS = {
    "/v1/chat/completions": _chat,
    "/chat/completions": _chat,
    "/v1/responses": _responses,
    "/v1/messages": _messages,
}


if __name__ == "__main__":
    fake = Provider()
    print(fake.url, flush=True)
    threading.Event().wait()
