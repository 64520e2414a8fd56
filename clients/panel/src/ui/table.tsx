// A table that becomes a list of cards where there is no room for columns.

import type { ReactNode } from "react";

import { Empty } from "./base";

export interface Column<T> {
  /** Its heading; empty for one of buttons, which has a name for readers. */
  title: ReactNode;
  name?: string;
  number?: boolean;
  cell: (row: T, index: number) => ReactNode;
  sort?: "ascending" | "descending" | "none";
  onSort?: () => void;
}

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
  if (rows.length === 0 && empty !== undefined) return <Empty>{empty}</Empty>;
  return (
    <div className="table-scroll" role="group" aria-label={label} tabIndex={0}>
      <table className={`table ${className}`} aria-label={label}>
        <thead>
          <tr>
            {columns.map((column, index) => (
              <Heading key={index} column={column} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
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
