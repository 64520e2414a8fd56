/**
 * A fake of the HTTP APIs of OpenAI and Anthropic, with usage in the shapes that they document.
 *
 * The last user message says what happens: "fail" is answered with status 500, "cut" ends a stream
 * in the middle, "slow" never ends it, "length" cuts an answer off; anything else is answered. A
 * response in the background is queued, in progress when it is first asked for, then completed.
 */
import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

type Json = Record<string, unknown>;

/** What is answered, word by word. */
export const WORDS = ["Tollgate ", "keeps ", "spend ", "inside."];
export const TEXT = WORDS.join("");

const CHAT_USAGE = {
  prompt_tokens: 1000,
  completion_tokens: 200,
  total_tokens: 1200,
  prompt_tokens_details: { cached_tokens: 400, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 50, audio_tokens: 0 },
};
const RESPONSES_USAGE = {
  input_tokens: 1000,
  input_tokens_details: { cached_tokens: 400, cache_write_tokens: 0 },
  output_tokens: 200,
  output_tokens_details: { reasoning_tokens: 50 },
  total_tokens: 1200,
};
const MESSAGE_USAGE = {
  input_tokens: 600,
  cache_read_input_tokens: 400,
  cache_creation_input_tokens: 30,
  cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
  output_tokens: 200,
  service_tier: "standard",
};

/** Serves on a free port of loopback until it is closed. */
export class Provider {
  readonly requests: Json[] = [];
  readonly #jobs = new Map<string, Json[]>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  static async start(): Promise<Provider> {
    const provider = new Provider();
    provider.#server.listen(0, "127.0.0.1");
    await once(provider.#server, "listening");
    return provider;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const data of request) {
      text += String(data);
    }
    const job = /\/responses\/(resp_\w+)(\/cancel)?/.exec(request.url ?? "");
    if (job) {
      const states = this.#jobs.get(job[1] ?? "") ?? [];
      const state = states.length > 1 && !job[2] ? states.shift() : states.at(-1);
      const cancelled = job[2] ? { status: "cancelled", usage: null } : {};
      const type = { "content-type": "application/json" };
      response.writeHead(200, type).end(JSON.stringify({ ...state, ...cancelled }));
      return;
    }
    const body = JSON.parse(text) as Json;
    this.requests.push(body);
    const said = saidIn(body);
    const json = { "content-type": "application/json" };
    if (said === "fail") {
      const error = { message: "overloaded", type: "x" };
      response.writeHead(500, json).end(JSON.stringify({ error }));
      return;
    }
    const answer = ANSWERS[request.url?.split("?")[0] ?? ""];
    const { whole, events } = answer?.(body) ?? { whole: {}, events: [] };
    if (body.background) {
      const done = { ...whole, id: `resp_${String(this.#jobs.size + 2)}`, background: true };
      const begun = { ...done, output: [], usage: null };
      this.#jobs.set(done.id, [{ ...begun, status: "in_progress" }, done]);
      response.writeHead(200, json).end(JSON.stringify({ ...begun, status: "queued" }));
      return;
    }
    if (!body.stream) {
      response.writeHead(200, json).end(JSON.stringify(whole));
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    const breaks = said === "cut" || said === "slow";
    for (const event of breaks ? events.slice(0, events.length / 2) : events) {
      const name = typeof event.type === "string" ? `event: ${event.type}\n` : "";
      response.write(`${name}data: ${JSON.stringify(event)}\n\n`);
    }
    if (said === "cut") {
      setImmediate(() => response.socket?.destroy());
    } else if (said !== "slow") {
      response.end(request.url?.includes("chat") ? "data: [DONE]\n\n" : undefined);
    }
  }
}

function saidIn(body: Json): unknown {
  const messages = body.messages ?? body.input;
  const last = Array.isArray(messages) ? (messages.at(-1) as Json).content : messages;
  return Array.isArray(last) ? (last.at(-1) as Json).text : last;
}

interface Answer {
  whole: Json;
  events: Json[];
}

function chat(body: Json): Answer {
  const asked = String(body.model);
  const model = asked.startsWith("gpt-4.1") ? `${asked}-2025-04-14` : asked;
  const head = { id: "c1", created: 1, model, service_tier: body.service_tier ?? "default" };
  const isCut = saidIn(body) === "length";
  const content = body.response_format ? '{"city": "Bonn"}'.slice(0, isCut ? 7 : 99) : TEXT;
  const message = { role: "assistant", content, refusal: null };
  const reason = isCut ? "length" : "stop";
  const choice = { index: 0, message, finish_reason: reason, logprobs: null };
  const whole = { ...head, object: "chat.completion", choices: [choice], usage: CHAT_USAGE };
  const counted = (body.stream_options as Json | undefined)?.include_usage;
  const chunk = { ...head, object: "chat.completion.chunk", ...(counted ? { usage: null } : {}) };
  const events: Json[] = WORDS.map((word) => {
    const delta = { role: "assistant", content: word };
    return { ...chunk, choices: [{ index: 0, delta, finish_reason: null }] };
  });
  events.push({ ...chunk, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
  if (counted) {
    events.push({ ...chunk, choices: [], usage: CHAT_USAGE });
  }
  return { whole, events };
}

function responses(body: Json): Answer {
  const text = { type: "output_text", text: TEXT, annotations: [] };
  const item = { id: "m1", type: "message", role: "assistant", status: "completed" };
  const whole = {
    id: "r1",
    object: "response",
    created_at: 1,
    status: "completed",
    model: body.model,
    service_tier: body.service_tier ?? "default",
    output: [{ ...item, content: [text] }],
    parallel_tool_calls: true,
    tool_choice: "auto",
    tools: [],
    usage: RESPONSES_USAGE,
  };
  const begun = { ...whole, status: "in_progress", output: [], usage: null };
  const opened = { ...item, status: "in_progress", content: [] };
  const place = { item_id: "m1", output_index: 0, content_index: 0, sequence_number: 0 };
  const kind = "response.output_text.delta";
  const events: Json[] = [
    { type: "response.created", sequence_number: 0, response: begun },
    { type: "response.output_item.added", item: opened, output_index: 0, sequence_number: 0 },
    { type: "response.content_part.added", part: { ...text, text: "" }, ...place },
    ...WORDS.map((word) => ({ type: kind, delta: word, logprobs: [], ...place })),
    { type: "response.completed", sequence_number: 9, response: whole },
  ];
  return { whole, events };
}

function messages(body: Json): Answer {
  const whole = {
    id: "m1",
    type: "message",
    role: "assistant",
    model: body.model,
    content: [{ type: "text", text: TEXT }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: MESSAGE_USAGE,
  };
  const usage = { ...MESSAGE_USAGE, output_tokens: 1 };
  const begun = { ...whole, content: [], stop_reason: null, usage };
  const end = { stop_reason: "end_turn", stop_sequence: null };
  const block = { type: "text", text: "" };
  const events: Json[] = [
    { type: "message_start", message: begun },
    { type: "content_block_start", index: 0, content_block: block },
    ...WORDS.map((text) => {
      return { type: "content_block_delta", index: 0, delta: { type: "text_delta", text } };
    }),
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: end, usage: { output_tokens: 200 } },
    { type: "message_stop" },
  ];
  return { whole, events };
}

const ANSWERS: Readonly<Record<string, (body: Json) => Answer>> = {
  "/v1/chat/completions": chat,
  "/v1/responses": responses,
  "/v1/messages": messages,
};
