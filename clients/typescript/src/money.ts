/** Amounts as `Decimal`, times as `Date`, spans in milliseconds. */
import { create } from "@bufbuild/protobuf";
import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";
import { DurationSchema, timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Decimal } from "decimal.js";

import type { Money as MoneyMessage } from "./gen/tollgate/v1/common_pb.js";
import { MoneySchema } from "./gen/tollgate/v1/common_pb.js";

/** An exact amount of one currency. */
export class Money {
  readonly amount: Decimal;
  /** ISO 4217, for example `EUR`. */
  readonly currencyCode: string;

  /** Text such as `"12.50"` is exact; a `number` is what JavaScript prints of it. */
  constructor(amount: Decimal.Value, currencyCode: string) {
    this.amount = new Decimal(amount);
    this.currencyCode = currencyCode;
  }

  /** Takes over an amount of the API; an empty one is zero. */
  static fromProto(money: MoneyMessage): Money {
    return new Money(money.amount || "0", money.currencyCode);
  }

  /** Makes an amount for the API. Throws `RangeError` beyond nine fraction digits. */
  toProto(): MoneyMessage {
    if (!this.amount.isFinite()) {
      throw new RangeError(`${this.amount.toString()} is not an amount`);
    }
    if (this.amount.decimalPlaces() > 9) {
      throw new RangeError(`${this.amount.toFixed()} has more than 9 fraction digits`);
    }
    const amount = this.amount.toFixed();
    return create(MoneySchema, { currencyCode: this.currencyCode, amount });
  }

  /** Writes for example `12.5 EUR`. */
  toString(): string {
    return `${this.amount.toFixed()} ${this.currencyCode}`;
  }
}

/** Takes over a time of the API. */
export function timeOf(timestamp: Timestamp): Date {
  return timestampDate(timestamp);
}

/** Makes a time for the API. */
export function timestampOf(time: Date): Timestamp {
  return timestampFromDate(time);
}

/** Takes over a span of the API, in milliseconds; a part of one counts as a whole one. */
export function spanOf(duration: Duration): number {
  return Number(duration.seconds) * 1000 + Math.ceil(duration.nanos / 1e6);
}

/** Makes a span for the API of milliseconds, exact to the microsecond. */
export function durationOf(spanMs: number): Duration {
  const micros = BigInt(Math.round(spanMs * 1000));
  const nanos = Number(micros % 1_000_000n) * 1000;
  return create(DurationSchema, { seconds: micros / 1_000_000n, nanos });
}
