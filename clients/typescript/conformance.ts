/** What the conformance runner speaks with: JSON lines, see clients/conformance/README.md. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { inspect } from "node:util";

import type { JsonObject } from "@bufbuild/protobuf";
import { fromJson, toJson } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Call, GuardOptions, Policy, ServiceTier, Token, Verdict } from "tollgate-grpc";
import {
  Blocked,
  Client,
  estimateTokens,
  makeRequestId,
  Money,
  ProviderAnswer,
  timestampOf,
  TollgateUnavailable,
  Usage,
  WebhookError,
  WebhookVerifier,
} from "tollgate-grpc";
import { Outcome, UsageSchema } from "tollgate-grpc/v1";

/** A command; which fields are there depends on its name. */
interface Command {
  command: string;
  address: string;
  timeout_ms?: number;
  on_unavailable?: Policy;
  queue_max?: number;
  queue_path?: string;
  flush_timeout_ms?: number;
  break_duration_ms?: number;
  token?: string;
  token_path?: string;
  tls_roots?: string;
  secrets: string[];
  headers: Record<string, string>;
  body: string;
  workspace: string;
  model: string;
  input_tokens?: number;
  prompt?: string;
  max_output_tokens?: number;
  request_id?: string;
  user?: string;
  department?: string;
  api_key?: string;
  assistant?: string;
  workflow?: string;
  feature?: string;
  project?: string;
  investigation?: string;
  session?: string;
  tags?: Record<string, string>;
  service_tier?: ServiceTier;
  wait?: boolean;
  act: string;
  usage?: JsonObject;
  factors?: string[];
  provider_answer?: { provider?: string; parts: unknown[] };
  accept_unread?: boolean;
  output_text?: string;
  call: number;
  hold_ms: number;
  count: number;
  concurrency: number;
  attempt?: number;
  outcome: keyof typeof Outcome;
  start_time?: string;
  parts: unknown[];
  content: unknown;
  calls: number;
}
type Answer = Record<string, unknown>;

/** The exception of the block. */
class OwnError extends Error {}

let client: Client;
const open = new Map<number, Call>();
let stream: AsyncIterator<unknown>;

const commands: Record<string, (command: Command) => Promise<Answer> | Answer> = {
  connect(command) {
    try {
      client = new Client({
        address: command.address,
        token: tokenOf(command),
        tls: command.tls_roots,
        timeoutMs: command.timeout_ms,
        onUnavailable: command.on_unavailable,
        queueMax: command.queue_max,
        queuePath: command.queue_path,
        flushTimeoutMs: command.flush_timeout_ms,
        breakDurationMs: command.break_duration_ms,
        // Standard output is for answers.
        logger: { warn: console.error, error: console.error },
      });
      return { result: "connected" };
    } catch (error) {
      return { result: "refused", message: (error as Error).message };
    }
  },
  guard,
  async ready(command) {
    const begin = performance.now();
    let answer: Answer = { result: "ready" };
    try {
      await client.ready(command.timeout_ms);
    } catch (error) {
      answer = failed(error);
    }
    return { ...answer, elapsed_ms: since(begin) };
  },
  watch(command) {
    const answers = client.budget.watchSpend({ workspaceId: command.workspace });
    stream = answers[Symbol.asyncIterator]();
    return readStream();
  },
  async watched() {
    for (;;) {
      const answer = await readStream();
      if (answer.result !== "watching") {
        return answer;
      }
    }
  },
  describe() {
    const all = { depth: Infinity, showHidden: true, maxStringLength: Infinity };
    return { text: `${inspect(client, all)} ${JSON.stringify(client)}` };
  },
  async open(command) {
    const begin = performance.now();
    try {
      const call = await client.guard(optionsOf(command));
      const number = open.size + 1;
      open.set(number, call);
      return told({ result: "opened", call: number }, call, begin);
    } catch (error) {
      return told(failed(error), undefined, begin);
    }
  },
  async resume(command) {
    const begin = performance.now();
    const { workspace, request_id: requestId = "" } = command;
    const call = await client.resume({ workspace, requestId });
    const number = open.size + 1;
    open.set(number, call);
    return told({ result: "opened", call: number }, call, begin);
  },
  async finish(command) {
    const begin = performance.now();
    const call = opened(command);
    let result: Answer = { result: "returned" };
    try {
      act(call, command);
      await call.end();
    } catch (error) {
      await call.end(error);
      result = failed(error);
    }
    return told(result, call, begin);
  },
  async extend(command) {
    try {
      await opened(command).extend(command.hold_ms);
      return { result: "extended" };
    } catch (error) {
      return failed(error);
    }
  },
  async parallel(command) {
    const begin = performance.now();
    const counts: Record<string, number> = {};
    for (const result of ["returned", "blocked", "unavailable", "error", "raised", "cancelled"]) {
      counts[result] = 0;
    }
    delete command.request_id;
    let begun = 0;
    const worker = async () => {
      while (begun++ < command.count) {
        const { result } = await guard(command);
        counts[String(result)] = (counts[String(result)] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: command.concurrency }, worker));
    return { ...counts, elapsed_ms: since(begin) };
  },
  async record(command) {
    const given = command.provider_answer;
    const answer = given && new ProviderAnswer(given.parts, given.provider);
    try {
      const recorded = await client.usage.recordUsage({
        workspaceId: command.workspace,
        requestId: command.request_id ?? "",
        attempt: command.attempt ?? 0,
        modelId: command.model,
        ...(command.usage && { usage: usageOf(command).toProto() }),
        ...(answer && { providerAnswer: answer.toProto() }),
        factors: command.factors ?? [],
        acceptUnread: command.accept_unread ?? false,
        outcome: Outcome[command.outcome],
        ...(command.start_time && { startTime: timestampOf(new Date(command.start_time)) }),
      });
      return {
        result: "recorded",
        duplicate: recorded.duplicate,
        cost: recorded.cost?.amount,
        usage: recorded.usage && fieldsOf(Usage.fromProto(recorded.usage)),
        model: recorded.modelId,
        unread: recorded.unread,
        attempt: recorded.attempt,
      };
    } catch (error) {
      return failed(error);
    }
  },
  async flush(command) {
    return { left: await client.flush(command.timeout_ms) };
  },
  stats() {
    return { ...client.stats() };
  },
  async close(command) {
    return { left: await client.close(command.timeout_ms) };
  },
  reduce(command) {
    try {
      const { json } = new ProviderAnswer(command.parts);
      return { parts: json.map((text) => JSON.parse(text) as unknown) };
    } catch (error) {
      return { result: "refused", message: (error as Error).message };
    }
  },
  estimate(command) {
    return { tokens: estimateTokens(command.content) };
  },
  async verify_webhook({ secrets, headers, body }) {
    try {
      await new WebhookVerifier(secrets).verify(headers, body);
    } catch (error) {
      if (error instanceof WebhookError) {
        return { result: "refused", message: error.message };
      }
      throw error;
    }
    return { result: "verified" };
  },
  bench,
};

async function readStream(): Promise<Answer> {
  try {
    return { result: (await stream.next()).done ? "ended" : "watching" };
  } catch (error) {
    return failed(error);
  }
}

/** The token, or what reads it from its file before each call. */
function tokenOf({ token, token_path: path }: Command): Token | undefined {
  return path === undefined ? token : () => readFile(path, "utf8");
}

async function guard(command: Command): Promise<Answer> {
  const begin = performance.now();
  let call: Call | undefined;
  try {
    await client.guard(optionsOf(command), (entered) => {
      call = entered;
      act(entered, command);
    });
    return told({ result: "returned" }, call, begin);
  } catch (error) {
    return told(failed(error), call, begin);
  }
}

async function bench(command: Command): Promise<Answer> {
  const usage = usageOf(command);
  const { workspace, model, input_tokens: input = 0, max_output_tokens: output = 0 } = command;
  const options = { workspace, model, inputTokens: input, maxOutputTokens: output };
  const guarded = (wait: boolean) =>
    client.guard({ ...options, wait }, (call) => {
      call.record(usage, { model: call.model });
    });
  const ways = {
    bare_us: async () => {
      const answer = await client.usage.checkAndRoute({
        workspaceId: workspace,
        requestId: makeRequestId(),
        modelId: model,
        inputTokenCount: BigInt(input),
        maxOutputTokenCount: BigInt(output),
      });
      await client.usage.recordUsage({
        workspaceId: workspace,
        requestId: answer.requestId,
        modelId: answer.modelId,
        usage: usage.toProto(),
        outcome: Outcome.SUCCESS,
      });
    },
    guard_us: () => guarded(true),
    queued_us: () => guarded(false),
  };
  const times = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]));
  for (let turn = -50; turn < command.calls; turn++) {
    for (const [name, way] of Object.entries(ways)) {
      const begin = performance.now();
      await way();
      if (turn >= 0) {
        times.get(name)?.push(performance.now() - begin);
      }
      await client.flush(10_000);
    }
  }
  const medians = [...times].map(([name, taken]) => {
    const median = taken.sort((one, other) => one - other)[taken.length >> 1] ?? 0;
    return [name, Math.round(median * 1000)] as const;
  });
  return Object.fromEntries(medians);
}

function act(call: Call, command: Command): void {
  if (command.act === "never_started") {
    return;
  }
  if (command.act === "error_before") {
    throw new OwnError();
  }
  assert.ok(command.act === "unread" || typeof call.model === "string");
  call.outputText = command.output_text ?? "";
  const answer = command.act === "no_usage" ? undefined : command.provider_answer;
  for (const part of answer?.parts ?? []) {
    call.record(part, { provider: answer?.provider });
  }
  if (command.act !== "no_usage" && command.usage) {
    call.record(usageOf(command));
  }
  if (command.act === "error") {
    throw new OwnError();
  }
  if (command.act === "cancel") {
    throw AbortSignal.abort().reason;
  }
}

function optionsOf(command: Command): GuardOptions {
  return {
    workspace: command.workspace,
    model: command.model,
    inputTokens: command.input_tokens,
    prompt: command.prompt,
    maxOutputTokens: command.max_output_tokens,
    requestId: command.request_id,
    user: command.user,
    department: command.department,
    apiKey: command.api_key,
    assistant: command.assistant,
    workflow: command.workflow,
    feature: command.feature,
    project: command.project,
    investigation: command.investigation,
    session: command.session,
    tags: command.tags,
    serviceTier: command.service_tier,
    onUnavailable: command.on_unavailable,
    wait: command.wait,
  };
}

function opened(command: Command): Call {
  const call = open.get(command.call);
  if (!call) {
    throw new Error("no such call");
  }
  return call;
}

function usageOf({ usage = {}, factors }: Command): Usage {
  const units = (usage.units ?? []) as { kind: string }[];
  const named = units.map((unit) => ({ ...unit, kind: `UNIT_KIND_${unit.kind}` }));
  return Usage.fromProto(fromJson(UsageSchema, { ...usage, units: named }), factors);
}

function fieldsOf(usage: Usage): Answer {
  const { units = [], ...counts } = toJson(UsageSchema, usage.toProto(), {
    useProtoFieldName: true,
  }) as { units?: unknown[] };
  const kinds = Object.entries(usage.units).map(([kind, count]) => ({ kind, count }));
  const fields = Object.entries(counts).map(([name, count]) => [name, Number(count)] as const);
  return { ...Object.fromEntries(fields), ...(units.length > 0 && { units: kinds }) };
}

function failed(error: unknown): Answer {
  if (error instanceof OwnError) {
    return { result: "raised" };
  }
  if (error instanceof TollgateUnavailable) {
    return { result: "unavailable", message: error.message };
  }
  if (error instanceof Blocked) {
    return {
      result: "blocked",
      decision: "BLOCKED",
      request_id: error.requestId,
      reason: error.reason,
      retry_after_ms: error.retryAfterMs,
      message: error.message,
      verdicts: error.verdicts.map(verdictOf),
    };
  }
  if (error instanceof ConnectError) {
    const code = Code[error.code].replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
    return { result: "error", code, message: error.rawMessage };
  }
  if (error instanceof Error && error.name === "AbortError") {
    return { result: "cancelled" };
  }
  throw error;
}

function told(answer: Answer, call: Call | undefined, begin: number): Answer {
  const elapsed = since(begin);
  return {
    ran: call !== undefined,
    ...(call && {
      decision: call.decision,
      // Reading it starts the call, which an open one is to do when it is finished.
      model: answer.result === "opened" ? null : call.model,
      request_id: call.requestId,
      attempt: call.attempt,
      unchecked: call.unchecked,
      routed: call.routed,
      held: call.held?.amount.toFixed(),
      cost: call.recorded?.cost.amount.toFixed(),
      verdicts: call.verdicts.map(verdictOf),
    }),
    ...answer,
    elapsed_ms: elapsed,
  };
}

function verdictOf(verdict: Verdict): Answer {
  const text = (money: Money | undefined) => money?.amount.toFixed() ?? null;
  return {
    reason: verdict.reason,
    limit_kind: verdict.limitKind || null,
    limit: text(verdict.limit),
    spent: text(verdict.spent),
    held: text(verdict.held),
    need: text(verdict.need),
  };
}

function since(begin: number): number {
  return Math.round(performance.now() - begin);
}

for await (const line of createInterface({ input: process.stdin })) {
  // Null and absent mean the same.
  const command = JSON.parse(line, (_, value: unknown) => value ?? undefined) as Command;
  let answer: Answer | undefined;
  try {
    answer = await commands[command.command]?.(command);
  } catch (error) {
    console.error(line, error);
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer ?? { error: "no such command" })}\n`);
}
