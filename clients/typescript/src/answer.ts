/**
 * Provider answers, reduced to their figures before they are sent: content stays with the caller.
 *
 * The server reads the usage in them. What is kept, and of many parts which, is described in
 * docs/provider-answers.md and clients/conformance/README.md; the lists are in `rule.ts`.
 */
import { create } from "@bufbuild/protobuf";

import type { ProviderAnswer as Message } from "./gen/tollgate/v1/usage_service_pb.js";
import { ProviderAnswerSchema } from "./gen/tollgate/v1/usage_service_pb.js";
import { LIMITS, READING, RULE } from "./rule.js";

/** What is left of one part: numbers, short texts, and objects of these. */
export type Event = Record<string, unknown>;
type Region = "open" | "narrow" | "usage";

const TEXTS = folded(RULE.texts);
const WRAPPERS = folded(RULE.wrappers);
const NARROW = folded(RULE.narrow);
const COUNTED = folded(RULE.counted);
const USAGE_NAMES = folded(RULE.usageNames);
const FIGURE_NAMES = folded(READING.figureNames);
const TIERS = folded(READING.tiers);
const MODELS = READING.models.map((path) => path.split(".").map(fold));
const STATUSES = READING.statuses.map((path) => path.split(".").map(fold));
const NAME = new RegExp(`^[A-Za-z0-9_\\-.:/@$]{1,${String(LIMITS.nameBytes)}}$`);
const NUMBER = /^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;
// Controls are no text; a half of a surrogate pair is no Unicode.
const UNKEPT = /[\p{Cc}\p{Surrogate}]/u;

/**
 * What a provider answered, without its content.
 *
 * A part is the whole answer, its usage object, or an event of a stream: an object of an SDK, JSON,
 * or a list of these. Of more than 16 parts those with figures are kept, and of more than 16 of
 * these the first and the last 15.
 */
export class ProviderAnswer {
  /** Hint such as `openai` or `bedrock`; empty lets the server find out. */
  readonly provider: string;
  /** The texts that are sent. */
  readonly json: readonly string[];

  /** Reduces the parts. Throws `TypeError` for what is no JSON. */
  constructor(parts: readonly unknown[], provider = "") {
    this.provider = provider.toLowerCase();
    const collected = new Parts();
    for (const part of parts) {
      collected.add(reduce(part));
    }
    this.json = collected.toJson();
  }

  /** Makes the message of the API. */
  toProto(): Message {
    return create(ProviderAnswerSchema, { provider: this.provider, json: [...this.json] });
  }
}

/** The first of many, and the last ones. */
class Ends {
  count = 0;
  readonly #events: Event[] = [];

  add(event: Event): void {
    this.#events.push(event);
    this.count += 1;
    if (this.#events.length > LIMITS.parts) {
      this.#events.splice(1, 1);
    }
  }

  items(): readonly Event[] {
    return this.#events;
  }
}

/** The parts of one answer, as they come; bounded, however many there are. */
export class Parts {
  /** Whether there was a part, also one of which nothing is left. */
  given = false;
  readonly #all = new Ends();
  readonly #figured = new Ends();
  #unfinished: Event | undefined;
  #status = "";

  /** Keeps what is left of a part. */
  add(events: readonly Event[]): void {
    this.given = true;
    for (const event of events.filter((event) => Object.keys(event).length > 0)) {
      const figured = hasFigures(event);
      const status = textAt(event, STATUSES);
      if (!figured && isAmong(READING.unfinished, status)) {
        this.#unfinished = event;
        continue;
      }
      this.#status = status;
      this.#all.add(event);
      if (figured) {
        this.#figured.add(event);
      }
    }
  }

  /** Whether there is usage in it, as far as names tell. */
  get hasFigures(): boolean {
    return this.#figured.count > 0;
  }

  /** Whether the provider has only promised an answer. */
  get isUnfinished(): boolean {
    return this.#unfinished !== undefined && this.#all.count === 0;
  }

  /** How the provider says that it ended, where it has no usage for that reason. */
  get ended(): "failed" | "cancelled" | undefined {
    if (this.hasFigures) {
      return undefined;
    }
    if (isAmong(READING.failed, this.#status)) {
      return "failed";
    }
    return isAmong(READING.cancelled, this.#status) ? "cancelled" : undefined;
  }

  /** Those that are sent. */
  events(): readonly Event[] {
    const few = this.#all.count <= LIMITS.parts || !this.hasFigures;
    const events = (few ? this.#all : this.#figured).items();
    return events.length > 0 ? events : [this.#unfinished ?? {}];
  }

  /** The model that the answer names; empty if it names none. */
  model(): string {
    const named = this.events().map((event) => textAt(event, MODELS));
    return (named.find((name) => name !== "") ?? "").replace(/^models\//, "");
  }

  /** Whether the answer names the tier that it was served at. */
  namesTier(): boolean {
    return this.events().some(namesTier);
  }

  /** The output that a stream began with, if its end did not come. */
  begunOutput(): number | undefined {
    const last = this.#figured.items().at(-1);
    if (last?.type !== READING.beginning) {
      return undefined;
    }
    const count = get(get(last.message, "usage"), "output_tokens");
    return typeof count === "number" ? count : 0;
  }

  /** Writes what is sent. Throws `TypeError` if it is too large. */
  toJson(): string[] {
    const texts = this.events().map((event) => JSON.stringify(event));
    const bytes = () => texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    while (bytes() > LIMITS.bytes) {
      if (texts.length <= 2) {
        throw new TypeError(
          `a provider answer has more than ${String(LIMITS.bytes)} bytes of usage`,
        );
      }
      texts.splice(1, 1);
    }
    return texts;
  }
}

/** Reduces a part; a list is as many. Throws `TypeError` for what is no JSON. */
export function reduce(part: unknown): Event[] {
  const events: Event[] = [];
  try {
    collect(parsed(part), events);
  } catch (error) {
    // The stack of JavaScript.
    throw error instanceof RangeError ? tooDeep() : error;
  }
  return events;
}

/** Says whether a reduced part is an answer with usage of its own, no event of a stream. */
export function isWhole(event: Event): boolean {
  const named = [event.object, event.type].some((name) => isAmong(READING.whole, name));
  return named && hasFigures(event);
}

/** Says whether there is a number in a reduced part that is usage by its name or its place. */
function hasFigures(event: Event, region: Region = "open"): boolean {
  return Object.entries(event).some(([name, inner]) => {
    const key = fold(name);
    const usage = region === "usage" || saysUsage(key);
    const inside = usage ? "usage" : region;
    if (typeof inner === "object") {
      const items = (Array.isArray(inner) ? inner : [inner]) as Event[];
      return items.some((item) => hasFigures(item, inside));
    }
    if (typeof inner === "string") {
      return usage && NUMBER.test(inner);
    }
    const named = key.endsWith(READING.figureEnding) || FIGURE_NAMES.has(key) || COUNTED.has(key);
    return typeof inner === "number" && (usage || named);
  });
}

function namesTier(event: Event): boolean {
  return Object.entries(event).some(([name, inner]) => {
    if (TIERS.has(fold(name)) && !isAmong(READING.tiersUnsaid, inner)) {
      return true;
    }
    const items: unknown[] = Array.isArray(inner) ? inner : [inner];
    return items.some((item) => typeof item === "object" && namesTier(item as Event));
  });
}

function parsed(part: unknown): unknown {
  const text = part instanceof Uint8Array ? Buffer.from(part).toString() : part;
  if (typeof text !== "string") {
    if (!Array.isArray(part) && !entriesOf(part)) {
      const kind = part === null ? "null" : typeof part;
      throw new TypeError(`a provider answer is JSON or an object, not ${kind}`);
    }
    return part;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Without the parser's message, which quotes the text.
    throw new TypeError(`a provider answer is not JSON: ${String(text.length)} characters`);
  }
}

function collect(value: unknown, events: Event[]): void {
  if (Array.isArray(value)) {
    for (const item of value) {
      collect(item, events);
    }
    return;
  }
  const members = entriesOf(value);
  if (members) {
    events.push(reduced(members, "open", 0));
  }
}

function reduced(members: Iterable<[string, unknown]>, region: Region, depth: number): Event {
  if (depth >= LIMITS.depth) {
    throw tooDeep();
  }
  // Without a prototype, whose members a name could be.
  const kept = Object.create(null) as Event;
  for (const [name, value] of members) {
    const left = NAME.test(name) ? reducedValue(fold(name), value, region, depth) : undefined;
    if (left !== undefined) {
      kept[name] = left;
    }
  }
  return kept;
}

/** What is left of the value of a member. */
function reducedValue(name: string, value: unknown, region: Region, depth: number): unknown {
  const usage = saysUsage(name);
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") {
    const kept = (region !== "narrow" || usage || COUNTED.has(name)) && name !== "id";
    return kept ? plain(value) : undefined;
  }
  if (typeof value === "string") {
    return keepsText(name, value, region, usage) ? value : undefined;
  }
  const isList = Array.isArray(value);
  if (isList && COUNTED.has(name) && region !== "usage") {
    return value.length;
  }
  const inside = regionOf(name, region, usage, isList);
  if (!inside) {
    return undefined;
  }
  if (isList) {
    const items = value
      .map((item) => entriesOf(item))
      .map((members) => (members ? reduced(members, inside, depth + 2) : {}))
      .filter((item) => Object.keys(item).length > 0);
    return items.length > 0 ? items : undefined;
  }
  const members = entriesOf(value);
  const object = members ? reduced(members, inside, depth + 1) : {};
  return Object.keys(object).length > 0 ? object : undefined;
}

function regionOf(
  name: string,
  region: Region,
  usage: boolean,
  isList: boolean,
): Region | undefined {
  if (region === "usage" || usage) {
    return "usage";
  }
  if (NARROW.has(name) || (WRAPPERS.has(name) && (region === "narrow" || isList))) {
    return "narrow";
  }
  return WRAPPERS.has(name) ? "open" : undefined;
}

function keepsText(name: string, text: string, region: Region, usage: boolean): boolean {
  const isNumber = text.length <= LIMITS.numberBytes && NUMBER.test(text);
  if (isNumber && (region === "usage" || usage) && name !== "id") {
    return true;
  }
  const named = region === "narrow" ? name === "type" : TEXTS.has(name);
  // No text has more characters than units of UTF-16, nor less than half as many.
  const short = text.length <= 2 * LIMITS.textCharacters;
  return named && short && Array.from(text).length <= LIMITS.textCharacters && !UNKEPT.test(text);
}

function saysUsage(name: string): boolean {
  return RULE.usageWords.some((word) => name.includes(word)) || USAGE_NAMES.has(name);
}

/** The first text that one of these paths leads to; empty if there is none. */
function textAt(event: Event, paths: readonly (readonly string[])[]): string {
  for (const path of paths) {
    let value: unknown = event;
    for (const step of path) {
      const members: [string, unknown][] =
        typeof value === "object" && value !== null ? Object.entries(value) : [];
      value = members.find(([name]) => fold(name) === step)?.[1];
    }
    if (typeof value === "string" && value !== "") {
      return value;
    }
  }
  return "";
}

function plain(value: number | boolean | bigint): number | boolean {
  const kept = typeof value === "bigint" ? Number(value) : value;
  if (typeof kept === "number" && !Number.isFinite(kept)) {
    throw new TypeError("a provider answer is not JSON: a number is not finite");
  }
  return kept;
}

function tooDeep(): TypeError {
  return new TypeError(`a provider answer is nested deeper than ${String(LIMITS.depth)} levels`);
}

/** The members of an object; `undefined` for what is none. */
export function entriesOf(value: unknown): Iterable<[string, unknown]> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return undefined;
  }
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return undefined;
  }
  if (value instanceof Map) {
    return [...value].filter(
      (member): member is [string, unknown] => typeof member[0] === "string",
    );
  }
  if ("toJSON" in value && typeof value.toJSON === "function") {
    const made = (value as { toJSON(): unknown }).toJSON();
    return made !== value ? entriesOf(made) : Object.entries(value);
  }
  return Object.entries(value);
}

/** A name as names are compared. */
export function fold(name: string): string {
  return name.replace(/[_-]/g, "").toLowerCase();
}

/** Names as they are compared. */
export function folded(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map(fold));
}

/** A field of an object of any kind. */
export function get(holder: unknown, name: string): unknown {
  if (typeof holder !== "object" || holder === null) {
    return undefined;
  }
  return (holder as Record<string, unknown>)[name] ?? undefined;
}

function isAmong(values: readonly string[], value: unknown): boolean {
  return typeof value === "string" && values.includes(value);
}
