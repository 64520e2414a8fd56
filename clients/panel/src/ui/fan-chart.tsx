// A line of what is to come with its bands, after the model of the charts.

import { Grid, HEIGHT, LEFT, Mark, WIDTH, axisOf, isLabelled } from "./charts";

/** Of a card as wide as the page: its letters are as large as those of other charts then. */
const WIDE = 1000;
const NARROW_PX = 720;

export interface FanPoint {
  label: string;
  /** What is said of it when it is pointed at. */
  title: string;
  value: number;
  /** From the widest to the narrowest: low and high. */
  bands: [number, number][];
}

interface FanProps {
  label: string;
  points: FanPoint[];
  format: (value: number) => string;
}

export function FanChart({ label, points, format }: FanProps) {
  const axis = axisOf(
    Math.max(0, ...points.flatMap(({ value, bands }) => [value, ...bands.flat()])),
    false,
  );
  const width = window.innerWidth < NARROW_PX ? WIDTH : WIDE;
  const step = points.length > 1 ? (width - LEFT - 12) / (points.length - 1) : 0;
  const x = (at: number) => LEFT + 6 + at * step;
  const line = (values: number[]) =>
    values.map((value, at) => `${at === 0 ? "M" : "L"}${x(at)} ${axis.y(value)}`).join("");
  const band = (which: number) => {
    const back = points.map(({ bands, value }) => bands[which]?.[0] ?? value).reverse();
    const last = points.length - 1;
    return (
      line(points.map(({ bands, value }) => bands[which]?.[1] ?? value)) +
      back.map((value, at) => `L${x(last - at)} ${axis.y(value)}`).join("") +
      "Z"
    );
  };
  const count = Math.max(0, ...points.map(({ bands }) => bands.length));
  return (
    <svg className="chart" viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={label}>
      <Grid axis={axis} format={format} width={width} />
      {Array.from({ length: count }, (_, which) => (
        <path key={which} className="band" d={band(which)} />
      ))}
      <path className="line open" d={line(points.map(({ value }) => value))} />
      {points.map((point, at) => (
        <Mark
          key={at}
          x={x(at)}
          y={axis.y(point.value)}
          step={step}
          title={point.title}
          label={isLabelled(at, points.length, width / 140) ? point.label : undefined}
          anchor={at === 0 ? "start" : "middle"}
        />
      ))}
    </svg>
  );
}
