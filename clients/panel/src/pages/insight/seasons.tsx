// What repeats by the hour of the day and by the day of the week, and whether that is chance.

import { useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import type { UsageMetric } from "@stubs/analytics_service_pb.js";
import type { SeasonalProfile } from "@stubs/insight_service_pb.js";
import { InsightService, Seasonality } from "@stubs/insight_service_pb.js";

import { useFormat } from "../../app/format";
import { useThisWorkspace } from "../../app/workspace";
import { Card, Empty, Loaded } from "../../ui/base";
import { ColumnChart, Figures } from "../../ui/charts";
import { weekdays } from "../../ui/zone";
import { quantityText, quantityValue } from "./quantity";

export function Seasons({ metric }: { metric: UsageMetric }) {
  const { workspaceId, timeZone } = useThisWorkspace();
  const { t } = useLingui();
  const format = useFormat();
  const seasons = useQuery(InsightService.method.getSeasonality, { workspaceId, metric });
  const dayNames = weekdays(format.locale);
  return (
    <Card
      title={<Trans>Rhythm</Trans>}
      hint={<Trans>What repeats from day to day and from week to week, in {timeZone}.</Trans>}
    >
      <Loaded query={seasons} lines={6} height={300}>
        {({ seasonality, hourOfDay, dayOfWeek }) =>
          seasonality === Seasonality.TOO_LITTLE ? (
            <Empty>
              <Trans>Fewer than three whole days of usage: nothing can be said yet</Trans>
            </Empty>
          ) : (
            <div className="grid-2">
              {hourOfDay && (
                <Profile
                  title={t`Hours of the day`}
                  profile={hourOfDay}
                  nameOf={(hour) => `${hour}:00`}
                  labelOf={(hour) => (hour % 3 === 0 ? String(hour) : "")}
                />
              )}
              {dayOfWeek && (
                <Profile
                  title={t`Days of the week`}
                  profile={dayOfWeek}
                  nameOf={(day) => dayNames[day] ?? ""}
                  labelOf={(day) => dayNames[day] ?? ""}
                />
              )}
            </div>
          )
        }
      </Loaded>
    </Card>
  );
}

interface ProfileProps {
  title: string;
  profile: SeasonalProfile;
  nameOf: (index: number) => string;
  /** Below the column; empty where there is no room. */
  labelOf: (index: number) => string;
}

function Profile({ title, profile, nameOf, labelOf }: ProfileProps) {
  const { t } = useLingui();
  const format = useFormat();
  const explained = format.percent(profile.explainedPercent);
  const peak = nameOf(profile.peak?.index ?? 0);
  const low = nameOf(profile.low?.index ?? 0);
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      <p className="hint">
        {profile.significant ? (
          <Trans>
            Explains {explained} of the variation; most at {peak}, least at {low}.
          </Trans>
        ) : (
          <Trans>No more than chance.</Trans>
        )}
      </p>
      <ColumnChart
        label={title}
        bars={profile.parts.map(({ index, mean }) => ({
          label: labelOf(index),
          title: `${nameOf(index)}: ${quantityText(mean, format)}`,
          value: quantityValue(mean),
        }))}
        format={(value) => format.compact(value)}
      />
      <Figures
        name={title}
        columns={[t`Part`, t`Mean`]}
        rows={profile.parts.map(({ index, mean }) => [nameOf(index), quantityText(mean, format)])}
        exact={profile.parts.map(({ index, mean }) => [nameOf(index), String(quantityValue(mean))])}
      />
    </section>
  );
}
