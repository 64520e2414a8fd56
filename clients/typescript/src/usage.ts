/** Usage that a caller counted: tokens by class, units, factors. */
import { create } from "@bufbuild/protobuf";

import type { Usage as UsageMessage, UsageUnit } from "./gen/tollgate/v1/common_pb.js";
import { UnitKind as Kind, UsageSchema, UsageUnitSchema } from "./gen/tollgate/v1/common_pb.js";
import type { UnitKind } from "./names.js";

// Above it numbers are not exact.
const COUNT_MAX = 2 ** 53;

/** How many of each kind. */
export type Units = Readonly<Partial<Record<UnitKind, number>>>;

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

/** Tokens by class, units by kind, names of factors; absent is none. */
export interface Counts extends Partial<Record<Class, number>> {
  units?: Units | undefined;
  factors?: readonly string[] | undefined;
}

/**
 * Tokens of one attempt by class, each in exactly one of them, and what is billed beside.
 *
 * For callers who count themselves; what a provider answered is handed over as it is, and read by
 * the server.
 */
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
  /** What was used beside tokens, for example `{ WEB_SEARCH: 3 }`; at most 8 kinds. */
  readonly units: Units;
  /** Names of the price's factors that applied, for example `us`; at most 8. */
  readonly factors: readonly string[];

  /** Takes any counts, as the call that they are of was billed: `toProto` is what refuses. */
  constructor(counts: Counts = {}) {
    for (const name of NAMES) {
      this[name] = counts[name] ?? 0;
    }
    this.units = { ...counts.units };
    this.factors = [...(counts.factors ?? [])];
  }

  /** Takes over the usage of a record; its factors are beside it there. */
  static fromProto(usage: UsageMessage, factors: readonly string[] = []): Usage {
    const counts = NAMES.map((name) => [name, Number(usage[CLASSES[name]])] as const);
    const units = usage.units.map(({ kind, count }) => [Kind[kind], Number(count)] as const);
    return new Usage({
      ...Object.fromEntries(counts),
      units: Object.fromEntries(units),
      factors,
    });
  }

  /**
   * Makes the message of the API, which has no factors.
   *
   * Throws `RangeError` for a count that is no whole number from 0 to 2^53.
   */
  toProto(): UsageMessage {
    const counts = NAMES.map((name) => [CLASSES[name], whole(name, this[name])] as const);
    return create(UsageSchema, { ...Object.fromEntries(counts), units: unitsOf(this.units) });
  }
}

/** Makes the messages of the API. Throws for a kind, or a count, that is none. */
export function unitsOf(units: Units): UsageUnit[] {
  return Object.entries(units)
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => {
      const kind = Kind[name as UnitKind] as Kind | undefined;
      if (kind === undefined) {
        throw new TypeError(`${name} is no kind of units`);
      }
      return create(UsageUnitSchema, { kind, count: whole(name, count) });
    });
}

function whole(name: string, count: number): bigint {
  if (!Number.isInteger(count) || count < 0 || count > COUNT_MAX) {
    const expected = "expected a whole number from 0 to 2^53";
    throw new RangeError(`${name} is ${String(count)}; ${expected}`);
  }
  return BigInt(count);
}
