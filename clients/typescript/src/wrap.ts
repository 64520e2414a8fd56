/**
 * `wrap`: an SDK client of OpenAI or Anthropic whose every call goes through the guard.
 *
 * It takes hold of `post`, the one method that every resource of these SDKs sends with, so that
 * helpers such as `parse` and `stream` are covered too. The SDKs themselves are not imported.
 */
import { Client } from "./client.js";
import { get } from "./answer.js";
import type { GuardOptions } from "./request.js";
import { refuseUnknown } from "./request.js";
import type { ServiceTier } from "./names.js";
import { follow, remembered } from "./wrap-jobs.js";
import type { ApiPromise } from "./wrap-stream.js";
import { Answer, take } from "./wrap-stream.js";

/** Whose calls they are; the other options are those of `Client.guard`, for every call. */
export interface WrapOptions extends Omit<
  GuardOptions,
  "model" | "inputTokens" | "prompt" | "messages" | "requestId" | "signal"
> {
  /** By default one that the environment names. */
  client?: Client | undefined;
}

/** What the SDKs have in common. */
interface Sdk {
  post(path: string, options?: unknown): ApiPromise;
  get?(path: string, options?: unknown): ApiPromise;
  withOptions(options: object): Sdk;
}

// Paths of the calls that are guarded, and where their body says how much output there may be.
const LIMITS: Readonly<Record<string, readonly string[]>> = {
  "/chat/completions": ["max_completion_tokens", "max_tokens"],
  "/responses": ["max_output_tokens"],
  "/v1/messages": ["max_tokens"],
};
const RESOURCES = [["chat", "completions"], ["responses"], ["messages"], ["beta", "messages"]];
// What of a body the model reads.
const INPUT = [
  ...["messages", "input", "instructions", "system", "tools", "functions", "response_format"],
  "text",
];
// Hosts whose answers are those of one provider.
const HOSTS: Readonly<Record<string, string>> = {
  "api.openai.com": "openai",
  "openai.azure.com": "azure",
  "api.anthropic.com": "anthropic",
  "api.x.ai": "xai",
  "api.groq.com": "groq",
  "api.deepseek.com": "deepseek",
  "api.mistral.ai": "mistral",
  "openrouter.ai": "openrouter",
  "api.together.xyz": "together",
  "api.moonshot.ai": "moonshot",
  "api.perplexity.ai": "perplexity",
};
const TIERS: Readonly<Record<string, ServiceTier>> = {
  default: "STANDARD",
  flex: "FLEX",
  priority: "PRIORITY",
  batch: "BATCH",
};

let fromEnvironment: Client | undefined;

/**
 * Gives a copy of an OpenAI or Anthropic client that is behind Tollgate.
 *
 * `chat.completions`, `responses` and `messages` check before each call and run it on the model
 * that is decided; they throw `Blocked` and `TollgateUnavailable`. What they used is recorded, of
 * streams when they end, break or are abandoned. A response in the background is recorded when
 * `responses.retrieve` or `cancel` of this process has its end; another process takes
 * `Client.resume`. A copy with other options, such as another `user`,
 * is cheap. Throws `TypeError` for what is no such client.
 */
export function wrap<T extends object>(sdk: T, options: WrapOptions): T {
  const { client, ...said } = options;
  refuseUnknown("wrap", options, ["client"]);
  for (const name of ["model", "requestId", "signal"].filter((name) => name in options)) {
    throw new TypeError(`wrap() has no option ${name}: it is not the same for every call`);
  }
  if (!isSdk(sdk)) {
    throw new TypeError(
      `wrap() takes a client of OpenAI or Anthropic, not ${sdk.constructor.name}`,
    );
  }
  const tollgate = client ?? (fromEnvironment ??= new Client());
  const wrapped: Sdk = sdk.withOptions({});
  const post = wrapped.post.bind(wrapped);
  const read = wrapped.get?.bind(wrapped);
  const hint = hintOf(get(wrapped, "baseURL"));
  wrapped.post = (path, given) => {
    const limits = LIMITS[path.split("?")[0] ?? path];
    if (!limits) {
      return follow(tollgate, post(path, given), path, hint);
    }
    const guard = (body: object, signal: AbortSignal | undefined) =>
      tollgate.guard({ ...optionsOf(body, limits, said), signal });
    const answer = new Answer(guard, hint, (id, call) => {
      remembered(id, said.workspace, call);
    });
    return take(post(path, answer.prepare(given, path)), answer);
  };
  if (read) {
    wrapped.get = (path, given) => follow(tollgate, read(path, given), path, hint);
  }
  wrapped.withOptions = (changes) => wrap(sdk.withOptions(changes), options);
  refuseStranger(wrapped);
  return wrapped as Sdk & T;
}

function isSdk<T extends object>(sdk: T): sdk is T & Sdk {
  return (
    "post" in sdk &&
    typeof sdk.post === "function" &&
    "withOptions" in sdk &&
    typeof sdk.withOptions === "function"
  );
}

/** Makes sure that the resources of an SDK client send with its new `post`. */
function refuseStranger(sdk: Sdk): void {
  const resources = RESOURCES.map((path) =>
    path.reduce((holder: unknown, name) => get(holder, name), sdk),
  ).filter((resource) => resource !== undefined);
  if (resources.length === 0 || resources.some((resource) => get(resource, "_client") !== sdk)) {
    throw new TypeError(`wrap() does not know this version of ${sdk.constructor.name}`);
  }
}

/** Gives the hint for the answers of a host; empty lets the server find out. */
function hintOf(url: unknown): string {
  const host = typeof url === "string" && URL.canParse(url) ? new URL(url).hostname : "";
  const known = Object.entries(HOSTS).find(([end]) => host === end || host.endsWith(`.${end}`));
  return known?.[1] ?? "";
}

const CONTEXTS = ["previous_response_id", "conversation", "previous_interaction_id"] as const;

/** Names what the provider adds to the input, if anything. */
function contextOf(body: object): string | undefined {
  const said = CONTEXTS.map((name) => get(body, name));
  const ids = said.map((value) => (typeof value === "object" ? get(value, "id") : value));
  return ids.find((id) => typeof id === "string" && id !== "") as string | undefined;
}

/** Says of a call what its body says. */
function optionsOf(body: object, limits: readonly string[], said: WrapOptions): GuardOptions {
  const limit = limits.map((name) => get(body, name)).find((value) => typeof value === "number");
  const choices = get(body, "n");
  const model = get(body, "model");
  const user = get(body, "user") ?? get(get(body, "metadata"), "user_id");
  const most = limit && limit * (typeof choices === "number" ? choices : 1);
  return {
    ...said,
    model: typeof model === "string" ? model : "",
    messages: [Object.fromEntries(INPUT.map((name) => [name, get(body, name)]))],
    maxOutputTokens: said.maxOutputTokens ?? most,
    serviceTier: said.serviceTier ?? TIERS[String(get(body, "service_tier"))],
    user: said.user ?? (typeof user === "string" ? user : undefined),
    context: said.context ?? contextOf(body),
  };
}
