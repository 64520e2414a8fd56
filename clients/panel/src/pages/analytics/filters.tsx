// Restrictions of all reports, as chips. They are in the address: `f=user:ada`, comma between.

import { useState } from "react";
import { Trans, useLingui } from "@lingui/react/macro";

import { UsageDimension } from "@stubs/analytics_service_pb.js";

import { useParam } from "../../app/route";
import { Button } from "../../ui/base";

/** At most so many, each of another dimension. */
const FILTERS_MAX = 8;

export const DIMENSIONS: Record<string, UsageDimension> = {
  model: UsageDimension.MODEL,
  provider: UsageDimension.PROVIDER,
  department: UsageDimension.DEPARTMENT,
  user: UsageDimension.USER,
  key: UsageDimension.API_KEY,
  group: UsageDimension.KEY_GROUP,
  assistant: UsageDimension.ASSISTANT,
  workflow: UsageDimension.WORKFLOW,
  feature: UsageDimension.FEATURE,
  project: UsageDimension.PROJECT,
  outcome: UsageDimension.OUTCOME,
};

export function useDimensionNames(): Record<string, string> {
  const { t } = useLingui();
  return {
    model: t`Model`,
    provider: t`Provider`,
    department: t`Department`,
    user: t`User`,
    key: t`API key`,
    group: t`Key group`,
    assistant: t`Assistant`,
    workflow: t`Workflow`,
    feature: t`Feature`,
    project: t`Project`,
    outcome: t`Outcome`,
  };
}

function read(text: string): [string, string][] {
  const pairs = text.split(",").map((part) => part.split(":"));
  return pairs.flatMap(([name = "", ...value]) =>
    Object.hasOwn(DIMENSIONS, name)
      ? [[name, decodeURIComponent(value.join(":"))] as [string, string]]
      : [],
  );
}

const write = (filters: [string, string][]) =>
  filters.map(([name, value]) => `${name}:${encodeURIComponent(value)}`).join(",");

export function useFilters() {
  const [text] = useParam("f");
  return read(text).map(([name, value]) => ({
    dimension: DIMENSIONS[name] ?? UsageDimension.UNSPECIFIED,
    values: [value],
  }));
}

/** Restricts the page to a value of a dimension, instead of another value of the same. */
export function useAddFilter(): (name: string, value: string) => void {
  const [text, setText] = useParam("f");
  return (name, value) => {
    const others = read(text).filter(([used]) => used !== name);
    if (others.length < FILTERS_MAX) setText(write([...others, [name, value]]));
  };
}

export function FilterChips() {
  const { t } = useLingui();
  const names = useDimensionNames();
  const [text, setText] = useParam("f");
  const [dimension, setDimension] = useState("");
  const [value, setValue] = useState("");
  const filters = read(text);
  const free = Object.keys(DIMENSIONS).filter((name) => !filters.some(([used]) => used === name));
  return (
    <div className="chips">
      {filters.map(([name, value]) => (
        <span key={name} className="chip">
          {names[name]}: {value || "–"}
          <Button
            kind="quiet"
            aria-label={t`Remove filter ${names[name] ?? name}`}
            onClick={() => {
              setText(write(filters.filter(([other]) => other !== name)));
            }}
          >
            ✕
          </Button>
        </span>
      ))}
      {filters.length < FILTERS_MAX && (
        <form
          className="range"
          onSubmit={(event) => {
            event.preventDefault();
            if (dimension === "") return;
            setText(write([...filters, [dimension, value.trim()]]));
            setDimension("");
            setValue("");
          }}
        >
          <select
            aria-label={t`Filter by`}
            value={dimension}
            onChange={(event) => {
              setDimension(event.target.value);
            }}
          >
            <option value="">{t`Add filter…`}</option>
            {free.map((name) => (
              <option key={name} value={name}>
                {names[name]}
              </option>
            ))}
          </select>
          {dimension !== "" && (
            <>
              <input
                aria-label={t`Id`}
                placeholder={t`Id`}
                value={value}
                onChange={(event) => {
                  setValue(event.target.value);
                }}
              />
              <Button type="submit">
                <Trans>Apply</Trans>
              </Button>
            </>
          )}
        </form>
      )}
    </div>
  );
}
