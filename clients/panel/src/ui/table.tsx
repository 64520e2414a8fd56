// A table that becomes a list of cards where there is no room for columns.

import { type ReactNode, useState } from "react";

import { Empty } from "./base";

export interface Column<T> {
  /** Its heading; empty for one of buttons, which has a name for readers. */
  title: ReactNode;
  name?: string;
  number?: boolean;
  cell: (row: T, index: number) => ReactNode;
  sort?: Direction | "none";
  onSort?: () => void;
  /** What rows of a table that is all there are sorted by; those without a value come last. */
  by?: (row: T) => Sortable;
}

type Direction = "ascending" | "descending";
type Sortable = string | number | bigint | undefined;

interface TableProps<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  keyOf: (row: T) => string;
  empty?: ReactNode;
  className?: string;
  rowClass?: (row: T) => string;
}

export function Table<T>({
  label,
  columns,
  rows,
  keyOf,
  empty,
  className = "",
  rowClass,
}: TableProps<T>) {
  const [order, setOrder] = useState<Order>();
  if (rows.length === 0 && empty !== undefined) return <Empty>{empty}</Empty>;
  const by = order && columns[order.column]?.by;
  const shown = by ? sorted(rows, by, order.direction) : rows;
  return (
    <div className="table-scroll" role="group" aria-label={label} tabIndex={0}>
      <table className={`table ${className}`} aria-label={label}>
        <thead>
          <tr>
            {columns.map((column, index) => (
              <Heading
                key={index}
                column={
                  column.by
                    ? {
                        ...column,
                        sort: order?.column === index ? order.direction : "none",
                        onSort: () => {
                          setOrder(next(order, index, column.number === true));
                        },
                      }
                    : column
                }
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row, at) => (
            <tr key={keyOf(row)} className={rowClass?.(row)}>
              {columns.map((column, index) => (
                <td key={index} className={column.number ? "right" : undefined}>
                  <span className="cell-title" aria-hidden="true">
                    {column.title}
                  </span>
                  <div className="cell">{column.cell(row, at)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface Order {
  column: number;
  direction: Direction;
}

/** Of numbers the greatest first, of texts from A; then the other way, then as the rows came. */
function next(order: Order | undefined, column: number, number: boolean): Order | undefined {
  const [first, second]: [Direction, Direction] = number
    ? ["descending", "ascending"]
    : ["ascending", "descending"];
  if (order?.column !== column) return { column, direction: first };
  return order.direction === first ? { column, direction: second } : undefined;
}

function sorted<T>(rows: T[], by: (row: T) => Sortable, direction: Direction): T[] {
  const sign = direction === "ascending" ? 1 : -1;
  return rows.toSorted((one, other) => {
    const [a, b] = [by(one), by(other)];
    if (a === undefined || b === undefined)
      return Number(a === undefined) - Number(b === undefined);
    if (typeof a === "string" && typeof b === "string") return sign * a.localeCompare(b);
    return a < b ? -sign : a > b ? sign : 0;
  });
}

function Heading<T>({ column }: { column: Column<T> }) {
  const title = column.title === "" ? <span className="hidden">{column.name}</span> : column.title;
  return (
    <th scope="col" className={column.number ? "right" : undefined} aria-sort={column.sort}>
      {column.onSort ? (
        <button type="button" className="sort" onClick={column.onSort}>
          {title}
          <span aria-hidden="true">
            {column.sort === "ascending" ? " ↑" : column.sort === "descending" ? " ↓" : " ↕"}
          </span>
        </button>
      ) : (
        title
      )}
    </th>
  );
}
