// The head of a view: its title, what belongs to all of it, and its calls for a shell.

import type { ReactNode } from "react";

import type { Call } from "./grpcurl";
import { CopyAsGrpcurl } from "./grpcurl";

export function PageHead({
  title,
  calls,
  children,
}: {
  title: ReactNode;
  calls: Call[];
  children?: ReactNode;
}) {
  return (
    <header className="page-head">
      <h1>{title}</h1>
      <div className="page-actions">
        {children}
        <CopyAsGrpcurl calls={calls} />
      </div>
    </header>
  );
}
