/**
 * From what providers report to Tollgate's disjoint token classes.
 *
 * The rules are those of clients/conformance/README.md, "Conversion": of a whole that a provider
 * gives, the parts are taken out in a fixed order, each at most what is left. So nothing is
 * negative, nothing is counted twice, and the sum is the provider's.
 */
import { create } from "@bufbuild/protobuf";

import type { Usage as UsageMessage } from "./gen/tollgate/v1/common_pb.js";
import { UsageSchema } from "./gen/tollgate/v1/common_pb.js";

/** Whose usage it is; `any` recognises it by the names of the fields. */
export type Provider = "openai" | "anthropic" | "gemini" | "any";
/** Price class at which a provider serves a request. */
export type ServiceTier = "STANDARD" | "BATCH" | "FLEX" | "PRIORITY";

const CLASSES = {
  inputTokens: "inputTokenCount",
  cacheReadTokens: "cacheReadTokenCount",
  cacheWrite5mTokens: "cacheWrite5mTokenCount",
  cacheWrite1hTokens: "cacheWrite1hTokenCount",
  outputTokens: "outputTokenCount",
  reasoningTokens: "reasoningTokenCount",
  audioInputTokens: "audioInputTokenCount",
  audioOutputTokens: "audioOutputTokenCount",
  imageInputTokens: "imageInputTokenCount",
  imageOutputTokens: "imageOutputTokenCount",
} as const;

type Class = keyof typeof CLASSES;
const NAMES = Object.keys(CLASSES) as Class[];

/** Tokens by class; absent is zero. */
export type Counts = Partial<Record<Class, number>>;

/** Tokens of one attempt by class; a token is counted in exactly one of them. */
export class Usage {
  readonly inputTokens: number = 0;
  readonly cacheReadTokens: number = 0;
  readonly cacheWrite5mTokens: number = 0;
  readonly cacheWrite1hTokens: number = 0;
  /** Without reasoning. */
  readonly outputTokens: number = 0;
  readonly reasoningTokens: number = 0;
  readonly audioInputTokens: number = 0;
  readonly audioOutputTokens: number = 0;
  readonly imageInputTokens: number = 0;
  readonly imageOutputTokens: number = 0;

  /** Throws `RangeError` for a count that is not a whole number from 0. */
  constructor(counts: Counts = {}) {
    for (const name of NAMES) {
      const count = counts[name] ?? 0;
      if (!Number.isSafeInteger(count) || count < 0) {
        throw new RangeError(`${name} is ${String(count)}, not a count of tokens`);
      }
      this[name] = count;
    }
  }

  /** Reads a chat completion, a response, the events of a stream, or their usage alone. */
  static fromOpenAI(answer: unknown): Usage {
    return read(answer, "openai");
  }

  /** Reads a message, the events of a stream, or their usage alone. */
  static fromAnthropic(answer: unknown): Usage {
    return read(answer, "anthropic");
  }

  /** Reads a response of generateContent, the chunks of a stream, or their usage alone. */
  static fromGemini(answer: unknown): Usage {
    return read(answer, "gemini");
  }

  /** Recognises the provider. All four throw `TypeError` where there is no usage. */
  static fromAny(answer: unknown): Usage {
    return read(answer, "any");
  }

  /** Takes over the usage of a record. */
  static fromProto(usage: UsageMessage): Usage {
    return new Usage(Object.fromEntries(NAMES.map((name) => [name, Number(usage[CLASSES[name]])])));
  }

  /** Makes the message of the API. */
  toProto(): UsageMessage {
    const counts = NAMES.map((name) => [CLASSES[name], BigInt(this[name])] as const);
    return create(UsageSchema, Object.fromEntries(counts));
  }
}

// Whole, its parts in their order, the class of the rest. Paths into the provider's usage.
type Rule = readonly [string, readonly (readonly [string, Class])[], Class];

function openai(wholeIn: string, wholeOut: string): readonly Rule[] {
  const inside = `${wholeIn}_details`;
  const outside = `${wholeOut}_details`;
  const parts = [
    [`${inside}.cached_tokens`, "cacheReadTokens"],
    [`${inside}.cache_write_tokens_details.ttl_12h_tokens`, "cacheWrite1hTokens"],
    [`${inside}.cache_write_tokens`, "cacheWrite5mTokens"],
    [`${inside}.audio_tokens`, "audioInputTokens"],
    [`${inside}.image_tokens`, "imageInputTokens"],
  ] as const;
  const partsOut = [
    [`${outside}.reasoning_tokens`, "reasoningTokens"],
    [`${outside}.audio_tokens`, "audioOutputTokens"],
    [`${outside}.image_tokens`, "imageOutputTokens"],
  ] as const;
  return [
    [wholeIn, parts, "inputTokens"],
    [wholeOut, partsOut, "outputTokens"],
  ];
}

function modalities(list: string, audio: Class, image: Class) {
  return [[`${list}.AUDIO`, audio] as const, [`${list}.IMAGE`, image] as const];
}

const OPENAI_CHAT = openai("prompt_tokens", "completion_tokens");
const OPENAI_RESPONSES = openai("input_tokens", "output_tokens");
const WRITTEN = "cache_creation_input_tokens";
const ANTHROPIC: readonly Rule[] = [
  ["input_tokens", [], "inputTokens"],
  ["cache_read_input_tokens", [], "cacheReadTokens"],
  [
    WRITTEN,
    [["cache_creation.ephemeral_1h_input_tokens", "cacheWrite1hTokens"]],
    "cacheWrite5mTokens",
  ],
  ["output_tokens", [["output_tokens_details.thinking_tokens", "reasoningTokens"]], "outputTokens"],
];
const GEMINI: readonly Rule[] = [
  [
    "promptTokenCount",
    [
      ["cachedContentTokenCount", "cacheReadTokens"],
      ...modalities("promptTokensDetails", "audioInputTokens", "imageInputTokens"),
    ],
    "inputTokens",
  ],
  [
    "toolUsePromptTokenCount",
    modalities("toolUsePromptTokensDetails", "audioInputTokens", "imageInputTokens"),
    "inputTokens",
  ],
  [
    "candidatesTokenCount",
    modalities("candidatesTokensDetails", "audioOutputTokens", "imageOutputTokens"),
    "outputTokens",
  ],
  ["thoughtsTokenCount", [], "reasoningTokens"],
];
// Figures that are counted inside another part, and are taken off it.
const LESS = new Map([
  ["promptTokensDetails.AUDIO", "cacheTokensDetails.AUDIO"],
  ["promptTokensDetails.IMAGE", "cacheTokensDetails.IMAGE"],
  ...["prompt_tokens_details", "input_tokens_details"].map(
    (inside) =>
      [
        `${inside}.cache_write_tokens`,
        `${inside}.cache_write_tokens_details.ttl_12h_tokens`,
      ] as const,
  ),
]);
// Summed where the whole itself is missing.
const WRITTEN_PARTS = ["5m", "1h"].map((life) => `cache_creation.ephemeral_${life}_input_tokens`);

const TIERS: Readonly<Record<string, ServiceTier>> = {
  default: "STANDARD",
  standard: "STANDARD",
  scale: "STANDARD",
  on_demand: "STANDARD",
  provisioned_throughput: "STANDARD",
  batch: "BATCH",
  flex: "FLEX",
  on_demand_flex: "FLEX",
  priority: "PRIORITY",
  fast: "PRIORITY",
  ultrafast: "PRIORITY",
  on_demand_priority: "PRIORITY",
};

/**
 * Reads what a provider reports, at once or event by event.
 *
 * Of a stream a later event's figures replace an earlier one's, field by field.
 */
export class UsageReader {
  /** The model that answered; empty where nothing named one. */
  model = "";
  /** The tier that served; absent where nothing named one that is known. */
  serviceTier: ServiceTier | undefined;
  /** Whether the figures are those of a stream's beginning: its output is still to come. */
  partial = false;
  readonly #provider: Provider;
  readonly #figures = new Map<string, unknown>();
  #rules: readonly Rule[] = [];

  /** Reads answers of this provider, or finds out whose they are. */
  constructor(provider: Provider = "any") {
    this.#provider = provider;
  }

  /**
   * Reads an answer, an event, usage alone, JSON of these, or a list; says if it had usage.
   *
   * What carries no usage is passed over, so that all events of a stream can be fed.
   */
  feed(answer: unknown): boolean {
    if (typeof answer === "string") {
      answer = JSON.parse(answer);
    }
    if (Array.isArray(answer)) {
      return answer.map((item) => this.feed(item)).includes(true);
    }
    const within = get(answer, "response") ?? get(answer, "message");
    const inner = within === undefined || typeof within === "string" ? answer : within;
    let usage = get(inner, "usage") ?? get(inner, "usageMetadata");
    if (usage === undefined && inner === answer && this.#rulesOf(answer, answer)) {
      usage = answer;
    } else {
      this.#readNames(inner, usage);
    }
    const rules = usage === undefined ? undefined : this.#rulesOf(inner, usage);
    if (!rules) {
      return false;
    }
    // OpenAI reports once, so its figures are never added to those of another answer.
    const whole = get(answer, "type") === "message";
    if (rules === OPENAI_CHAT || rules === OPENAI_RESPONSES || whole) {
      this.#figures.clear();
    }
    this.#rules = rules;
    this.partial = inner !== answer && get(answer, "type") === "message_start";
    const paths = rules.flatMap(([name, parts]) => [name, ...parts.map(([path]) => path)]);
    for (const path of [...paths, ...LESS.values(), ...WRITTEN_PARTS]) {
      const value = figure(usage, path);
      if (value !== undefined) {
        this.#figures.set(path, value);
      }
    }
    return true;
  }

  /** What is known by now; absent before there were figures. */
  get usage(): Usage | undefined {
    if (this.#rules.length === 0) {
      return undefined;
    }
    const counts: Counts = {};
    for (const [whole, parts, rest] of this.#rules) {
      let left = this.#count(whole);
      for (const [path, to] of parts) {
        const part = Math.min(this.#count(path), left);
        counts[to] = (counts[to] ?? 0) + part;
        left -= part;
      }
      counts[rest] = (counts[rest] ?? 0) + left;
    }
    return new Usage(counts);
  }

  #count(path: string): number {
    if (path === WRITTEN && !this.#figures.has(path)) {
      return WRITTEN_PARTS.reduce((sum, part) => sum + this.#count(part), 0);
    }
    const less = LESS.get(path);
    const count = natural(this.#figures.get(path));
    return less === undefined ? count : Math.max(0, count - this.#count(less));
  }

  #rulesOf(answer: unknown, usage: unknown): readonly Rule[] | undefined {
    const has = (...names: string[]) => names.some((name) => get(usage, name) !== undefined);
    const may = (provider: Provider) => [provider, "any"].includes(this.#provider);
    const counts = ["promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount"];
    if (may("gemini") && has(...counts, "totalTokenCount")) {
      return GEMINI;
    }
    if (may("openai") && has("prompt_tokens", "completion_tokens")) {
      return OPENAI_CHAT;
    }
    if (this.#provider === "gemini" || !has("input_tokens", "output_tokens")) {
      return undefined;
    }
    const isMessage = ["message", "message_delta"].includes(String(get(answer, "type")));
    const isAnthropic = isMessage || has(WRITTEN, "cache_read_input_tokens", "cache_creation");
    return may("anthropic") && (isAnthropic || !may("openai")) ? ANTHROPIC : OPENAI_RESPONSES;
  }

  #readNames(answer: unknown, usage: unknown): void {
    const model = get(answer, "model") ?? get(answer, "modelVersion");
    if (typeof model === "string" && model) {
      this.model = model.replace(/^models\//, "");
    }
    const said = [
      get(usage, "trafficType"),
      get(usage, "serviceTier"),
      get(answer, "service_tier"),
      get(usage, "speed"),
    ];
    for (const tier of said) {
      if (typeof tier === "string") {
        this.serviceTier = TIERS[tier.toLowerCase()] ?? this.serviceTier;
      }
    }
  }
}

/** Reads a field, in camel or snake case; absent where it is null. */
export function get(holder: unknown, name: string): unknown {
  if (typeof holder !== "object" || holder === null) {
    return undefined;
  }
  const fields = holder as Record<string, unknown>;
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return fields[name] ?? fields[snake] ?? undefined;
}

function read(answer: unknown, provider: Provider): Usage {
  const reader = new UsageReader(provider);
  reader.feed(answer);
  if (!reader.usage) {
    throw new TypeError(`no usage that ${provider} would report in this`);
  }
  return reader.usage;
}

/** Follows a path; a modality in capitals picks that entry of a list. */
function figure(usage: unknown, path: string): unknown {
  let value = usage;
  for (const name of path.split(".")) {
    value = /^[A-Z]+$/.test(name) ? modality(value, name) : get(value, name);
  }
  return value;
}

function modality(entries: unknown, name: string): number | undefined {
  const counts = (Array.isArray(entries) ? entries : [])
    .filter((entry) => String(get(entry, "modality")).toUpperCase() === name)
    .map((entry) => natural(get(entry, "tokenCount")));
  return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0);
}

function natural(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? Math.max(0, Math.trunc(value)) : 0;
}
