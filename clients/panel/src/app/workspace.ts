// The workspace that is shown, and who looks at it.

import { createContext, useContext } from "react";

import type { WhoAmIResponse } from "@stubs/access_service_pb.js";
import { Role } from "@stubs/access_service_pb.js";
import type { Workspace } from "@stubs/workspace_service_pb.js";

export const WorkspaceContext = createContext<Workspace | undefined>(undefined);
export const CallerContext = createContext<WhoAmIResponse | undefined>(undefined);

export function useWorkspace(): Workspace | undefined {
  return useContext(WorkspaceContext);
}

/** Where there is certainly one: below the tabs. */
export function useThisWorkspace(): Workspace {
  const workspace = useContext(WorkspaceContext);
  if (!workspace) throw new Error("no workspace is shown");
  return workspace;
}

export interface Allowed {
  /** To change limits, quotas, keys, alerts, the directory and policies. */
  administer: boolean;
  /** To change the plan, boosts, the catalog and prices. */
  operate: boolean;
}

export function useCaller(): WhoAmIResponse | undefined {
  return useContext(CallerContext);
}

export function useAllowed(): Allowed {
  const role = useContext(CallerContext)?.role ?? Role.UNSPECIFIED;
  const operate = role === Role.OPERATOR;
  return { operate, administer: operate || role === Role.ADMIN };
}
