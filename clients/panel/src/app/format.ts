// Numbers, amounts, times and spans in the words of the chosen language.

import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Money } from "@stubs/common_pb.js";

import { useSettings } from "./settings";
import { useWorkspace } from "./workspace";

/** As `Intl` takes it: a decimal text is formatted exactly, whatever a float could hold. */
type Decimal = Intl.StringNumericLiteral;

const MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

export interface Format {
  locale: string;
  /** In the currency's own digits. */
  money: (money: Money | undefined) => string;
  /** With all of its digits. */
  exactMoney: (money: Money | undefined) => string;
  amount: (amount: string, currency: string) => string;
  count: (value: bigint | number) => string;
  compact: (value: bigint | number) => string;
  /** With up to three digits behind the point. */
  small: (value: number) => string;
  /** Of a fraction: 0.25 for a quarter. */
  share: (fraction: number) => string;
  percent: (percent: number) => string;
  signedPercent: (percent: number) => string;
  date: (time: Timestamp | Date | undefined) => string;
  shortDate: (time: Timestamp | Date | undefined) => string;
  time: (time: Timestamp | Date | undefined) => string;
  dateTime: (time: Timestamp | Date | undefined) => string;
  /** Both included. */
  dateRange: (from: Date, to: Date) => string;
  /** A local date as the API writes it: "2026-01-31". */
  localDate: (date: string) => string;
  duration: (duration: Duration | undefined) => string;
  relative: (time: Timestamp | undefined, now?: number) => string;
}

const formats = new Map<string, Format>();

/** For the language of the page and the zone of the workspace. */
export function useFormat(): Format {
  const { language } = useSettings();
  const zone = useWorkspace()?.timeZone ?? "UTC";
  return formatFor(language, zone);
}

export function formatFor(language: string, zone: string): Format {
  const locale = navigator.languages.find((known) => known.startsWith(language)) ?? language;
  const key = `${locale} ${zone}`;
  let format = formats.get(key);
  if (!format) formats.set(key, (format = make(locale, zone)));
  return format;
}

function make(locale: string, timeZone: string): Format {
  const cache = new Map<string, Intl.NumberFormat>();
  const number = (options: Intl.NumberFormatOptions) => {
    const key = JSON.stringify(options);
    let made = cache.get(key);
    if (!made) cache.set(key, (made = new Intl.NumberFormat(locale, options)));
    return made;
  };
  const times = (options: Intl.DateTimeFormatOptions, zone = timeZone) => {
    const made = new Intl.DateTimeFormat(locale, { timeZone: zone, ...options });
    return (time: Timestamp | Date | undefined) =>
      time ? made.format(time instanceof Date ? time : timestampDate(time)) : "";
  };
  const dates = new Intl.DateTimeFormat(locale, { timeZone, dateStyle: "medium" });
  const days = times({ dateStyle: "medium" }, "UTC");
  const money = (value: Money | undefined, options: Intl.NumberFormatOptions = {}) =>
    value
      ? number({ style: "currency", currency: value.currencyCode, ...options }).format(
          value.amount as Decimal,
        )
      : "";
  return {
    locale,
    money,
    exactMoney: (value) => money(value, { maximumFractionDigits: 9 }),
    amount: (amount, currency) => number({ style: "currency", currency }).format(amount as Decimal),
    count: (value) => number({}).format(value),
    compact: (value) =>
      number({ notation: "compact", maximumFractionDigits: value < 1000 ? 0 : 1 }).format(value),
    small: (value) => number({ maximumSignificantDigits: 3 }).format(value),
    share: (fraction) =>
      number({ style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(
        fraction,
      ),
    percent: (percent) =>
      number({ style: "percent", maximumFractionDigits: 1 }).format(percent / 100),
    signedPercent: (percent) =>
      number({ style: "percent", maximumFractionDigits: 1, signDisplay: "exceptZero" }).format(
        percent / 100,
      ),
    date: times({ dateStyle: "medium" }),
    shortDate: times({ day: "numeric", month: "short" }),
    time: times({ timeStyle: "medium" }),
    dateTime: times({ dateStyle: "medium", timeStyle: "short" }),
    dateRange: (from, to) => dates.formatRange(from, to),
    localDate: (date) => days(new Date(`${date}T00:00:00Z`)),
    duration: (value) => (value ? span(Number(value.seconds) * 1000, number) : ""),
    relative: (time, now = Date.now()) =>
      time ? ago(timestampDate(time).getTime() - now, locale) : "",
  };
}

function span(ms: number, number: (options: Intl.NumberFormatOptions) => Intl.NumberFormat) {
  const unit = (value: number, unit: string) =>
    number({ style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 1 }).format(value);
  if (ms < MS.minute) return unit(ms / 1000, "second");
  if (ms < MS.hour) return unit(ms / MS.minute, "minute");
  if (ms < MS.day) return unit(ms / MS.hour, "hour");
  return unit(ms / MS.day, "day");
}

function ago(ms: number, locale: string) {
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
  const size = Math.abs(ms);
  if (size < MS.minute) return relative.format(Math.round(ms / 1000), "second");
  if (size < MS.hour) return relative.format(Math.round(ms / MS.minute), "minute");
  if (size < MS.day) return relative.format(Math.round(ms / MS.hour), "hour");
  return relative.format(Math.round(ms / MS.day), "day");
}

/** Amounts as whole numbers of 10⁻⁹, for sums and comparisons without loss. */
export function nanos(amount: string | undefined): bigint {
  const [, sign = "", whole = "0", fraction = ""] =
    /^(-?)(\d+)(?:\.(\d+))?$/.exec(amount ?? "0") ?? [];
  const value = BigInt(whole + fraction.padEnd(9, "0").slice(0, 9));
  return sign ? -value : value;
}

export function fromNanos(value: bigint): string {
  const digits = (value < 0n ? -value : value).toString().padStart(10, "0");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}
