// Amounts as people type them, in the separators of their language.

import { useFormat } from "../app/format";

/** As the API takes it, or nothing where it is no amount. */
export function parseAmount(text: string, locale: string): string | undefined {
  const { group, decimal } = separators(locale);
  const [whole = "", fraction, ...more] = text.trim().split(decimal);
  if (more.length > 0 || (fraction !== undefined && !/^\d{1,9}$/.test(fraction))) return undefined;
  const groups = whole.split(group);
  const isGrouped = groups.every((digits, at) => (at === 0 ? /^\d{1,3}$/ : /^\d{3}$/).test(digits));
  if (groups.length === 1 ? !/^\d{1,15}$/.test(whole) : !isGrouped) return undefined;
  return groups.join("") + (fraction === undefined ? "" : `.${fraction}`);
}

/** An amount of the API as it is typed. */
export function editable(amount: string | undefined, locale: string): string {
  if (amount === undefined) return "";
  const [whole = "", fraction = ""] = amount.split(".");
  const kept = fraction.replace(/0+$/, "");
  return kept === "" ? whole : whole + separators(locale).decimal + kept.padEnd(2, "0");
}

function separators(locale: string) {
  const parts = new Intl.NumberFormat(locale).formatToParts(1234567.8);
  const find = (type: string) => parts.find((part) => part.type === type)?.value;
  return { group: find("group") ?? ",", decimal: find("decimal") ?? "." };
}

interface AmountInputProps {
  currency: string;
  value: string;
  onChange: (value: string) => void;
  id?: string;
  label?: string;
  placeholder?: string;
  disabled?: boolean;
  "aria-describedby"?: string | undefined;
  "aria-invalid"?: boolean | undefined;
}

export function AmountInput({ currency, value, onChange, label, ...rest }: AmountInputProps) {
  const { locale } = useFormat();
  const symbol = new Intl.NumberFormat(locale, { style: "currency", currency })
    .formatToParts(0)
    .find((part) => part.type === "currency")?.value;
  return (
    <span className="amount-input">
      <input
        {...rest}
        inputMode="decimal"
        autoComplete="off"
        aria-label={label}
        value={value}
        onChange={(event) => {
          onChange(event.target.value);
        }}
      />
      <span aria-hidden="true">{symbol}</span>
    </span>
  );
}
