// A choice of a few named values; its name is for readers.

interface SelectProps<V extends string> {
  label: string;
  /** One that is not among the names shows the first. */
  value: string;
  names: Record<V, string>;
  onChange: (value: V) => void;
}

export function Select<V extends string>({ label, value, names, onChange }: SelectProps<V>) {
  const ids = Object.keys(names) as V[];
  return (
    <select
      aria-label={label}
      value={Object.hasOwn(names, value) ? value : ids[0]}
      onChange={(event) => {
        onChange(event.target.value as V);
      }}
    >
      {ids.map((id) => (
        <option key={id} value={id}>
          {names[id]}
        </option>
      ))}
    </select>
  );
}
