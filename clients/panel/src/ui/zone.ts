// Local dates of a zone as moments.

/** Midnight at the beginning of a local date ("2026-01-31"), or of the day so many days later. */
export function localMidnight(date: string, timeZone: string, daysLater = 0): Date {
  const utc = new Date(`${date}T00:00:00Z`).getTime() + daysLater * 86_400_000;
  // The offset at that moment may be another one than at midnight: the second look is right.
  const first = utc - offsetAt(utc, timeZone);
  return new Date(utc - offsetAt(first, timeZone));
}

/** The local date of a moment. */
export function localDate(time: Date, timeZone: string): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" }).format(time);
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** One format for each zone: making one takes longer than using it. */
function partsIn(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(timeZone, format);
  }
  return format;
}

/** Local time less UTC, in milliseconds. */
function offsetAt(time: number, timeZone: string): number {
  const parts = partsIn(timeZone).formatToParts(time);
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  const local = Date.UTC(
    of("year"),
    of("month") - 1,
    of("day"),
    of("hour"),
    of("minute"),
    of("second"),
  );
  return local - Math.floor(time / 1000) * 1000;
}

/** The hour of the day and the day of the week, from Monday, that a moment has in a zone. */
export function localHour(timeZone: string): (time: number) => { weekday: number; hour: number } {
  return (time) => {
    const local = new Date(time + offsetAt(time, timeZone));
    return { weekday: (local.getUTCDay() + 6) % 7, hour: local.getUTCHours() };
  };
}

/** The short names of the days of the week, from Monday. */
export function weekdays(locale: string): string[] {
  const format = new Intl.DateTimeFormat(locale, { weekday: "short", timeZone: "UTC" });
  // 2024-01-01 was a Monday.
  return Array.from({ length: 7 }, (_, day) => format.format(new Date(Date.UTC(2024, 0, 1 + day))));
}
