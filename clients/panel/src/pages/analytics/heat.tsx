// When the workspace is busy: requests by hour of the day and day of the week, in its zone.

import { timestampDate } from "@bufbuild/protobuf/wkt";
import { useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { ReportPeriod, UsagePoint } from "@stubs/analytics_service_pb.js";
import { AnalyticsService, TimeGranularity, UsageMetric } from "@stubs/analytics_service_pb.js";

import { useFormat } from "../../app/format";
import { useThisWorkspace } from "../../app/workspace";
import { Card, Empty, Loaded } from "../../ui/base";
import { Figures } from "../../ui/charts";
import { localHour, weekdays } from "../../ui/zone";
import { useFilters } from "./filters";
import { useRange } from "./range";

/** Days for which the server has hours. */
const DAYS_MAX = 31;
const HOUR = 3_600_000;
const DAYS = [0, 1, 2, 3, 4, 5, 6];
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

export function BusyHours({ period }: { period: ReportPeriod | undefined }) {
  const { workspaceId } = useThisWorkspace();
  const start = period?.startTime && timestampDate(period.startTime);
  const end = period?.endTime && timestampDate(period.endTime);
  if (!start || !end) return null;
  // Half a day more, for a change of daylight saving.
  const isTooLong = end.getTime() - start.getTime() > (DAYS_MAX + 0.5) * 24 * HOUR;
  return (
    <Card
      title={<Trans>Busy hours</Trans>}
      hint={<Trans>Requests in an hour on average, in the zone of the workspace.</Trans>}
    >
      {isTooLong ? (
        <Empty>
          <Trans>Shown for ranges of at most {DAYS_MAX} days</Trans>
        </Empty>
      ) : (
        <Hours key={workspaceId} start={start} end={end} />
      )}
    </Card>
  );
}

function Hours({ start, end }: { start: Date; end: Date }) {
  const { workspaceId, timeZone } = useThisWorkspace();
  const hours = useQuery(AnalyticsService.method.queryUsage, {
    workspaceId,
    range: useRange(),
    filters: useFilters(),
    metrics: [UsageMetric.REQUESTS],
    granularity: TimeGranularity.HOUR,
  });
  return (
    <Loaded query={hours} lines={7} height={220}>
      {({ total, asOfTime }) => {
        const until = asOfTime ? Math.min(timestampDate(asOfTime).getTime(), end.getTime()) : 0;
        return <Heat means={meansOf(total?.points ?? [], start.getTime(), until, timeZone)} />;
      }}
    </Loaded>
  );
}

/** By day of the week, from Monday, and hour: requests in such an hour on average; none for hours
 *  that the range does not have. */
export function meansOf(
  points: Pick<UsagePoint, "startTime" | "values">[],
  start: number,
  until: number,
  timeZone: string,
): (number | undefined)[][] {
  const hourOf = localHour(timeZone);
  const make = () => DAYS.map(() => HOURS.map(() => 0));
  const [sums, counts] = [make(), make()];
  const add = (to: number[][], time: number, value: number) => {
    const { weekday, hour } = hourOf(time);
    const row = to[weekday];
    if (row) row[hour] = (row[hour] ?? 0) + value;
  };
  for (let time = start; time < until; time += HOUR) add(counts, time, 1);
  for (const { startTime, values } of points)
    if (startTime)
      add(sums, timestampDate(startTime).getTime(), Number(values?.requestCount ?? 0n));
  return DAYS.map((day) =>
    HOURS.map((hour) => {
      const count = counts[day]?.[hour] ?? 0;
      return count > 0 ? (sums[day]?.[hour] ?? 0) / count : undefined;
    }),
  );
}

function Heat({ means }: { means: (number | undefined)[][] }) {
  const { t } = useLingui();
  const format = useFormat();
  const dayNames = weekdays(format.locale);
  const max = Math.max(0, ...means.flat().map((mean) => mean ?? 0));
  const rounded = (mean: number) => format.compact(mean < 10 ? Math.round(mean * 10) / 10 : mean);
  if (max === 0)
    return (
      <Empty>
        <Trans>No usage in this range</Trans>
      </Empty>
    );
  const busiest = means
    .flatMap((row, day) => row.map((mean, hour) => ({ day, hour, mean: mean ?? 0 })))
    .reduce((best, slot) => (slot.mean > best.mean ? slot : best));
  const [name, hour, mean] = [dayNames[busiest.day], busiest.hour, rounded(busiest.mean)];
  return (
    <>
      <div
        className="heat"
        role="img"
        aria-label={t`Busiest: ${name} at ${hour}:00 with ${mean} requests`}
      >
        <span />
        {HOURS.map((hour) => (
          <span key={hour} className="heat-hour">
            {hour % 3 === 0 ? hour : ""}
          </span>
        ))}
        {means.map((row, day) => (
          <HeatRow
            key={day}
            name={dayNames[day] ?? ""}
            row={row}
            max={max}
            titleOf={(hour, mean) =>
              `${dayNames[day] ?? ""} ${hour}:00–${hour + 1}:00: ${rounded(mean)}`
            }
          />
        ))}
      </div>
      <Figures
        name={t`Busy hours`}
        columns={[t`Hour`, ...dayNames]}
        rows={HOURS.map((hour) => [
          `${hour}:00`,
          ...means.map((row) => {
            const mean = row[hour];
            return mean === undefined ? "–" : rounded(mean);
          }),
        ])}
        exact={HOURS.map((hour) => [
          String(hour),
          ...means.map((row) => (row[hour] === undefined ? "" : String(row[hour]))),
        ])}
      />
    </>
  );
}

function HeatRow({
  name,
  row,
  max,
  titleOf,
}: {
  name: string;
  row: (number | undefined)[];
  max: number;
  titleOf: (hour: number, mean: number) => string;
}) {
  return (
    <>
      <span className="heat-day">{name}</span>
      {row.map((mean, hour) => (
        <span
          key={hour}
          className={`heat-cell ${mean === undefined ? "none" : `h${Math.ceil((mean / max) * 8)}`}`}
          title={mean === undefined ? undefined : titleOf(hour, mean)}
        />
      ))}
    </>
  );
}
