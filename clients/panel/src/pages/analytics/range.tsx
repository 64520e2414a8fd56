// The days of all reports of the page: a preset, or two dates. They are in the address.

import { useRef, useState } from "react";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Trans, useLingui } from "@lingui/react/macro";

import type { ReportRangeSchema } from "@stubs/analytics_service_pb.js";
import { ReportPreset } from "@stubs/analytics_service_pb.js";

import { useFormat } from "../../app/format";
import { entryOf, setParams, useParam } from "../../app/route";
import { Button, TextField } from "../../ui/base";

export type Range = MessageInitShape<typeof ReportRangeSchema>;

const DATE = /^\d{4}-\d{2}-\d{2}$/;

const PRESETS: Record<string, ReportPreset> = {
  today: ReportPreset.TODAY,
  yesterday: ReportPreset.YESTERDAY,
  "7d": ReportPreset.LAST_7_DAYS,
  "30d": ReportPreset.LAST_30_DAYS,
  "90d": ReportPreset.LAST_90_DAYS,
  "365d": ReportPreset.LAST_365_DAYS,
  week: ReportPreset.THIS_WEEK,
  "last-week": ReportPreset.LAST_WEEK,
  month: ReportPreset.THIS_MONTH,
  "last-month": ReportPreset.LAST_MONTH,
  cycle: ReportPreset.THIS_CYCLE,
  "last-cycle": ReportPreset.LAST_CYCLE,
};

export function useRange(): Range {
  const [preset] = useParam("range", "30d");
  const [from] = useParam("from");
  const [to] = useParam("to");
  if (DATE.test(from) && DATE.test(to)) return { firstDate: from, lastDate: to };
  return { preset: entryOf(PRESETS, preset) ?? ReportPreset.LAST_30_DAYS };
}

export function RangeControls() {
  const { t } = useLingui();
  const format = useFormat();
  const [preset] = useParam("range", "30d");
  const [from] = useParam("from");
  const [to] = useParam("to");
  const isCustom = DATE.test(from) && DATE.test(to);
  const names: Record<string, string> = {
    today: t`Today`,
    yesterday: t`Yesterday`,
    "7d": t`Last 7 days`,
    "30d": t`Last 30 days`,
    "90d": t`Last 90 days`,
    "365d": t`Last 365 days`,
    week: t`This week`,
    "last-week": t`Last week`,
    month: t`This month`,
    "last-month": t`Last month`,
    cycle: t`This cycle`,
    "last-cycle": t`Last cycle`,
  };
  return (
    <>
      <select
        aria-label={t`Time range`}
        value={isCustom ? "custom" : Object.hasOwn(names, preset) ? preset : "30d"}
        onChange={(event) => {
          const range = event.target.value;
          setParams({ range: range === "30d" ? "" : range, from: "", to: "" });
        }}
      >
        {Object.entries(names).map(([id, name]) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
        {isCustom && (
          <option value="custom">{`${format.localDate(from)} – ${format.localDate(to)}`}</option>
        )}
      </select>
      <CustomRange from={from} to={to} />
    </>
  );
}

function CustomRange({ from, to }: { from: string; to: string }) {
  const { t } = useLingui();
  const popover = useRef<HTMLFormElement>(null);
  const [first, setFirst] = useState(from);
  const [last, setLast] = useState(to);
  const isWrong = first !== "" && last !== "" && first > last;
  return (
    <div className="date-range">
      <Button popoverTarget="date-range" aria-haspopup="dialog">
        <Trans>Select date range</Trans>
      </Button>
      <form
        ref={popover}
        id="date-range"
        popover="auto"
        className="popover"
        role="dialog"
        aria-label={t`Date range`}
        onSubmit={(event) => {
          event.preventDefault();
          if (!DATE.test(first) || !DATE.test(last) || isWrong) return;
          setParams({ range: "", from: first, to: last });
          popover.current?.hidePopover();
        }}
      >
        <TextField
          label={<Trans>First day</Trans>}
          type="date"
          required
          value={first}
          onChange={setFirst}
        />
        <TextField
          label={<Trans>Last day</Trans>}
          error={isWrong ? t`Expected a day that is not before the first` : undefined}
          type="date"
          required
          value={last}
          onChange={setLast}
        />
        <Button type="submit" kind="primary">
          <Trans>Apply</Trans>
        </Button>
      </form>
    </div>
  );
}
