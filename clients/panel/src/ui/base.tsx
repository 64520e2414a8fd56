// The parts that pages are made of.

import { useId } from "react";
import type { ComponentProps, ReactNode } from "react";
import { Trans, useLingui } from "@lingui/react/macro";

import type { Money } from "@stubs/common_pb.js";

import { reasonOf } from "../app/api";
import { useFormat } from "../app/format";

interface CardProps {
  title: ReactNode;
  /** Beside the title, for example a period. */
  aside?: ReactNode;
  /** Below the title. */
  hint?: ReactNode;
  className?: string;
  children: ReactNode;
}

export function Card({ title, aside, hint, className = "", children }: CardProps) {
  const id = useId();
  return (
    <section className={`card ${className}`} aria-labelledby={id}>
      <header className="card-head">
        <div>
          <h2 id={id}>{title}</h2>
          {hint !== undefined && <p className="hint">{hint}</p>}
        </div>
        {aside !== undefined && <div className="card-aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

interface ButtonProps extends ComponentProps<"button"> {
  kind?: "primary" | "plain" | "danger" | "quiet";
  busy?: boolean;
}

export function Button({
  kind = "plain",
  busy = false,
  disabled,
  className = "",
  ...rest
}: ButtonProps) {
  return (
    <button
      type="button"
      className={`button ${kind} ${className}`}
      disabled={disabled === true || busy}
      aria-busy={busy || undefined}
      {...rest}
    />
  );
}

interface SwitchProps {
  label: string;
  checked: boolean;
  disabled?: boolean;
  onChange: (checked: boolean) => void;
}

export function Switch({ label, checked, disabled = false, onChange }: SwitchProps) {
  return (
    <button
      type="button"
      role="switch"
      className="switch"
      aria-checked={checked}
      aria-label={label}
      disabled={disabled}
      onClick={() => {
        onChange(!checked);
      }}
    />
  );
}

interface FieldProps {
  label: ReactNode;
  hint?: ReactNode;
  error?: string | undefined;
  children: (props: {
    id: string;
    "aria-describedby"?: string;
    "aria-invalid"?: boolean;
  }) => ReactNode;
}

/** A labelled control with its hint and its error. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const described = error ?? hint;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        ...(described !== undefined && { "aria-describedby": `${id}-hint` }),
        ...(error !== undefined && { "aria-invalid": true }),
      })}
      {described !== undefined && (
        <span id={`${id}-hint`} className={error === undefined ? "hint" : "error-text"}>
          {described}
        </span>
      )}
    </div>
  );
}

type TextFieldProps = Omit<FieldProps, "children"> &
  Omit<ComponentProps<"input">, "id" | "value" | "onChange"> & {
    value: string;
    onChange: (value: string) => void;
  };

/** A field of one line of text, or of what its `type` says. */
export function TextField({ label, hint, error, value, onChange, ...input }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(props) => (
        <input
          {...props}
          {...input}
          value={value}
          onChange={(event) => {
            onChange(event.target.value);
          }}
        />
      )}
    </Field>
  );
}

/** An amount in the currency's digits; all of its digits are in the value and the title. */
export function MoneyText({ money }: { money: Money | undefined }) {
  const format = useFormat();
  if (!money) return null;
  return (
    <data className="number" value={money.amount} title={format.exactMoney(money)}>
      {format.money(money)}
    </data>
  );
}

export function Count({ value }: { value: bigint | number }) {
  const format = useFormat();
  return (
    <data className="number" value={value.toString()}>
      {format.count(value)}
    </data>
  );
}

/** Short, with the exact number for the pointer, the keyboard and readers. */
export function Compact({ value }: { value: bigint | number }) {
  const format = useFormat();
  const [short, exact] = [format.compact(value), format.count(value)];
  if (short === exact) return <Count value={value} />;
  return (
    <data className="number exact-hint" value={value.toString()} tabIndex={0}>
      {short}
      <span className="exact">{exact}</span>
    </data>
  );
}

export function Badge({
  kind = "neutral",
  children,
}: {
  kind?: "neutral" | "good" | "warn" | "bad";
  children: ReactNode;
}) {
  return <span className={`badge ${kind}`}>{children}</span>;
}

/** As high as what will be there, so that nothing jumps. */
export function Skeleton({ lines = 3, height }: { lines?: number; height?: number }) {
  const { t } = useLingui();
  return (
    <div className="skeleton" role="status" aria-label={t`Loading`} style={{ minHeight: height }}>
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} />
      ))}
    </div>
  );
}

export function ErrorBox({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <div className="notice bad" role="alert">
      <span>{reasonOf(error)}</span>
      {onRetry && (
        <Button kind="quiet" onClick={onRetry}>
          <Trans>Try again</Trans>
        </Button>
      )}
    </div>
  );
}

export function Empty({ children }: { children: ReactNode }) {
  return <div className="empty">{children}</div>;
}

interface Query {
  data: unknown;
  error: unknown;
  isPending: boolean;
  refetch: () => unknown;
}

/** What a query has, or that it is on its way, or why it failed. */
export function Loaded<T>({
  query,
  lines,
  height,
  children,
}: {
  query: Query & { data: T | undefined };
  lines?: number;
  height?: number;
  children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  if (query.error !== null) {
    return <ErrorBox error={query.error} onRetry={() => void query.refetch()} />;
  }
  return (
    <Skeleton {...(lines !== undefined && { lines })} {...(height !== undefined && { height })} />
  );
}

/** What a change came to; readers hear it. */
export function Outcome({ error, done }: { error: unknown; done?: ReactNode }) {
  if (error !== null && error !== undefined) return <ErrorBox error={error} />;
  return (
    <span role="status" className="done">
      {done}
    </span>
  );
}

export function Lock() {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d="M5 7V5a3 3 0 0 1 6 0v2" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <rect x="3.500" y="7" width="9" height="6.500" rx="1.500" fill="currentColor" />
    </svg>
  );
}
