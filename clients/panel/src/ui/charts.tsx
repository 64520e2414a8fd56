// Charts as SVG, themed by the style sheet. What a chart shows is in its name for readers, and each
// has its figures as a table.

import type { ReactNode } from "react";
import { Trans, useLingui } from "@lingui/react/macro";

import { CopyButton } from "./grpcurl";
import { Table } from "./table";

export const WIDTH = 560;
export const HEIGHT = 270;
export const LEFT = 54;
const BOTTOM = 30;
const TOP = 10;

/** Round steps from zero that reach the greatest value, and not too many; of counts whole ones. */
export function ticks(max: number, whole = true): number[] {
  if (max <= 0) return [0, 1];
  const raw = max / 4;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = unit * ([1, 2, 2.5, 5, 10].find((factor) => factor * unit >= raw) ?? 10);
  const kept = whole && max < 4 ? Math.max(1, Math.ceil(step)) : step;
  return Array.from({ length: Math.ceil(max / kept) + 1 }, (_, at) => at * kept);
}

interface Axis {
  steps: number[];
  y: (value: number) => number;
}

export function axisOf(max: number, whole = true): Axis {
  const steps = ticks(max, whole);
  const top = steps.at(-1) ?? 1;
  return { steps, y: (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top) };
}

export function Grid({
  axis,
  format,
  width = WIDTH,
}: {
  axis: Axis;
  format: (value: number) => string;
  width?: number;
}) {
  return axis.steps.map((step) => (
    <g key={step}>
      <line className="grid" x1={LEFT} x2={width} y1={axis.y(step)} y2={axis.y(step)} />
      <text x={LEFT - 8} y={axis.y(step) + 4} textAnchor="end">
        {format(step)}
      </text>
    </g>
  ));
}

export interface Point {
  label: string;
  /** Of the previous period. */
  before?: number | undefined;
  value: number;
  /** Not over yet: the line to it is dashed. */
  open?: boolean;
}

interface LineProps {
  label: string;
  points: Point[];
  format: (value: number) => string;
}

export function LineChart({ label, points, format }: LineProps) {
  const max = Math.max(0, ...points.flatMap((point) => [point.value, point.before ?? 0]));
  const axis = axisOf(max);
  const step = points.length > 1 ? (WIDTH - LEFT - 12) / (points.length - 1) : 0;
  const x = (at: number) => LEFT + 6 + at * step;
  const path = (values: (number | undefined)[], from = 0) =>
    values
      .map((value, at) =>
        value === undefined ? "" : `${at === 0 ? "M" : "L"}${x(from + at)} ${axis.y(value)}`,
      )
      .join("");
  const closed = points.filter(({ open }) => open !== true).map(({ value }) => value);
  const open = points.slice(Math.max(0, closed.length - 1)).map(({ value }) => value);
  const hasBefore = points.some(({ before }) => before !== undefined);
  return (
    <svg className="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      <Grid axis={axis} format={format} />
      {closed.length > 1 && (
        <path
          className="area"
          d={`${path(closed)}L${x(closed.length - 1)} ${axis.y(0)}L${x(0)} ${axis.y(0)}Z`}
        />
      )}
      {hasBefore && <path className="line ghost" d={path(points.map(({ before }) => before))} />}
      <path className="line" d={path(closed)} />
      {closed.length < points.length && (
        <path className="line open" d={path(open, Math.max(0, closed.length - 1))} />
      )}
      {points.map((point, at) => (
        <Mark
          key={at}
          x={x(at)}
          y={axis.y(point.value)}
          step={step}
          title={titleOf(point, format)}
          label={isLabelled(at, points.length, 6) ? point.label : undefined}
          anchor={at === 0 ? "start" : "middle"}
        />
      ))}
    </svg>
  );
}

/** Whether a point is named below the axis, where there is room for so many names. */
export function isLabelled(at: number, count: number, room: number): boolean {
  const every = Math.max(1, Math.ceil(count / room));
  return at % every === 0 && at <= count - 1 - every / 2;
}

interface MarkProps {
  x: number;
  y: number;
  /** The width that it answers to. */
  step: number;
  title: string;
  label: string | undefined;
  anchor: "start" | "middle";
}

/** A point of a line: its name below, what it says when it is pointed at, and a dot then. */
export function Mark({ x, y, step, title, label, anchor }: MarkProps) {
  return (
    <g>
      {label !== undefined && (
        <text x={x} y={HEIGHT - 6} textAnchor={anchor}>
          {label}
        </text>
      )}
      <rect
        className="hit"
        x={x - step / 2}
        y={TOP}
        width={Math.max(1, step)}
        height={HEIGHT - TOP - BOTTOM}
      >
        <title>{title}</title>
      </rect>
      <circle className="point" cx={x} cy={y} r="4" />
    </g>
  );
}

function titleOf({ label, value, before }: Point, format: (value: number) => string): string {
  return `${label}: ${format(value)}${before === undefined ? "" : ` (${format(before)})`}`;
}

interface Bar {
  label: string;
  /** What is said of it when it is pointed at, where that is not its label and value. */
  title?: string;
  value: number;
  className?: string;
}

/** Columns over a few named buckets. */
export function ColumnChart({
  label,
  bars,
  format,
}: {
  label: string;
  bars: Bar[];
  format: (value: number) => string;
}) {
  const axis = axisOf(Math.max(0, ...bars.map(({ value }) => value)));
  const room = (WIDTH - LEFT) / bars.length;
  const width = Math.min(48, room * 0.62);
  return (
    <svg className="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      <Grid axis={axis} format={format} />
      {bars.map((bar, at) => {
        const title = bar.title ?? `${bar.label}: ${format(bar.value)}`;
        const middle = LEFT + room * (at + 0.5);
        const top = axis.y(bar.value);
        return (
          <g key={at}>
            <rect
              className={`column ${bar.className ?? ""}`}
              x={middle - width / 2}
              y={top}
              width={width}
              height={axis.y(0) - top}
              rx="3"
            >
              <title>{title}</title>
            </rect>
            <text x={middle} y={HEIGHT - 6} textAnchor="middle">
              {bar.label}
            </text>
          </g>
        );
      })}
    </svg>
  );
}

const ROW = 30;
const NAME = 190;
const VALUE = 70;
/** Characters of a name that fit beside its bar. */
const NAME_MAX = 22;

/** Horizontal bars with names, the greatest first. */
export function BarChart({
  label,
  bars,
  format,
}: {
  label: string;
  bars: Bar[];
  format: (value: number) => string;
}) {
  const max = Math.max(1, ...bars.map(({ value }) => value));
  return (
    <svg
      className="chart"
      viewBox={`0 0 ${WIDTH} ${Math.max(ROW, bars.length * ROW)}`}
      role="img"
      aria-label={label}
    >
      {bars.map((bar, at) => {
        const short =
          bar.label.length > NAME_MAX ? `${bar.label.slice(0, NAME_MAX - 1)}…` : bar.label;
        const width = ((WIDTH - NAME - VALUE) * bar.value) / max;
        return (
          <g key={at} transform={`translate(0 ${at * ROW})`}>
            <title>{`${bar.label}: ${format(bar.value)}`}</title>
            <rect className="hit" width={WIDTH} height={ROW} />
            <text className="label" x="0" y={ROW / 2 + 4}>
              {short}
            </text>
            <rect
              className="column"
              x={NAME}
              y="5"
              width={Math.max(2, width)}
              height={ROW - 10}
              rx="3"
            />
            <text className="label" x={WIDTH} y={ROW / 2 + 4} textAnchor="end">
              {format(bar.value)}
            </text>
          </g>
        );
      })}
    </svg>
  );
}

export function Donut({ label, slices }: { label: string; slices: Bar[] }) {
  const total = slices.reduce((sum, { value }) => sum + value, 0);
  // Where each begins, as a fraction of a turn, and where the last one ends.
  const turns = slices.reduce(
    (before, { value }) => [...before, (before.at(-1) ?? 0) + (total > 0 ? value / total : 0)],
    [0],
  );
  return (
    <svg className="chart" viewBox="-100 -100 200 200" role="img" aria-label={label}>
      {slices.map((slice, at) => (
        <path key={at} className={slice.className} d={ring(turns[at] ?? 0, turns[at + 1] ?? 0)}>
          <title>{slice.label}</title>
        </path>
      ))}
    </svg>
  );
}

/** A part of a ring, from one fraction of a turn to another. */
function ring(from: number, to: number): string {
  const [outer, inner] = [98, 60];
  // A full turn is no arc.
  const end = Math.min(to, from + 0.9999);
  const at = (turn: number, radius: number) => {
    const angle = turn * 2 * Math.PI - Math.PI / 2;
    return `${(Math.cos(angle) * radius).toFixed(2)} ${(Math.sin(angle) * radius).toFixed(2)}`;
  };
  const large = end - from > 0.5 ? 1 : 0;
  return `M${at(from, outer)}A${outer} ${outer} 0 ${large} 1 ${at(end, outer)}L${at(end, inner)}A${inner} ${inner} 0 ${large} 0 ${at(from, inner)}Z`;
}

interface FiguresProps {
  name: string;
  columns: string[];
  rows: string[][];
  /** As numbers, for a file; the same as the rows where not given. */
  exact?: string[][];
  children?: ReactNode;
}

/** The figures of a chart: as a table, and for a spreadsheet. */
export function Figures({ name, columns, rows, exact = rows }: FiguresProps) {
  const { t } = useLingui();
  return (
    <div className="chart-foot">
      <details>
        <summary>
          <Trans>Show as table</Trans>
        </summary>
        <Table<string[]>
          label={name}
          rows={rows}
          keyOf={(row) => row.join("\n")}
          empty={<Trans>No usage in this range</Trans>}
          columns={columns.map((title, index) => ({
            title,
            number: index > 0,
            cell: (row: string[]) => row[index],
          }))}
        />
      </details>
      <CopyButton label={t`Copy as CSV: ${name}`} text={() => csv([columns, ...exact])}>
        <Trans>Copy as CSV</Trans>
      </CopyButton>
    </div>
  );
}

/** By RFC 4180; what a spreadsheet would run as a formula is text. */
export function csv(rows: string[][]): string {
  const cell = (text: string) => {
    const safe = /^[=+@\t\r]|^-(?!\d)/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}
