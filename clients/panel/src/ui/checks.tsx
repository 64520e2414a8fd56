// A choice of any number of entries.

import type { ReactNode } from "react";

interface Props<T> {
  legend: ReactNode;
  /** Values with their titles. */
  entries: readonly (readonly [T, ReactNode])[];
  chosen: ReadonlySet<T>;
  onChange: (chosen: ReadonlySet<T>) => void;
  /** Where there are no entries. */
  empty?: ReactNode;
}

export function Checks<T extends string | number>(props: Props<T>) {
  const { legend, entries, chosen, onChange, empty } = props;
  return (
    <fieldset>
      <legend className="field-label">{legend}</legend>
      <div className="checks">
        {entries.map(([value, title]) => (
          <label key={value}>
            <input
              type="checkbox"
              checked={chosen.has(value)}
              onChange={(event) => {
                const next = new Set(chosen);
                if (event.target.checked) next.add(value);
                else next.delete(value);
                onChange(next);
              }}
            />
            {title}
          </label>
        ))}
        {entries.length === 0 && empty !== undefined && <span className="hint">{empty}</span>}
      </div>
    </fieldset>
  );
}
