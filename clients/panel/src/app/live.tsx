// The one stream of a page: budget, current usage, alerts and quotas as they change. It is closed
// while the tab is hidden, because a browser opens six connections to a server for all of its tabs
// together, and opened again after it broke.

import { createContext, useContext, useEffect, useState } from "react";
import type { ReactNode } from "react";
import { createClient } from "@connectrpc/connect";

import type {
  LiveMetrics,
  WatchWorkspaceResponse,
  WorkspaceAlerts,
  WorkspaceQuotas,
} from "@stubs/analytics_service_pb.js";
import { AnalyticsService } from "@stubs/analytics_service_pb.js";
import type { Budget } from "@stubs/budget_service_pb.js";

import { isUnauthenticated, queries, transport } from "./api";
import { tellConnection } from "./connection";
import { signOut } from "./session";

/** Waits between two attempts, the last of which repeats: right again in five seconds. */
const WAITS_MS = [250, 500, 1_000, 1_500];
/** The server sends something at least every 15 seconds. */
const SILENCE_MS = 20_000;

export type Connection = "connecting" | "live" | "reconnecting" | "paused";

export interface Live {
  connection: Connection;
  budget: Budget | undefined;
  metrics: LiveMetrics | undefined;
  alerts: WorkspaceAlerts | undefined;
  quotas: WorkspaceQuotas | undefined;
  /** When something last came. */
  since: number;
}

const NOTHING: Live = {
  connection: "connecting",
  budget: undefined,
  metrics: undefined,
  alerts: undefined,
  quotas: undefined,
  since: 0,
};

const LiveContext = createContext<Live>(NOTHING);

export function useLive(): Live {
  return useContext(LiveContext);
}

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });

/** What a message has: the rest has not changed. */
function partsOf({ budget, liveMetrics, alerts, quotas }: WatchWorkspaceResponse): Partial<Live> {
  return {
    ...(budget && { budget }),
    ...(liveMetrics && { metrics: liveMetrics }),
    ...(alerts && { alerts }),
    ...(quotas && { quotas }),
  };
}

/** Reads until it is aborted, and tells each state. */
async function follow(
  workspaceId: string,
  signal: AbortSignal,
  tell: (live: Partial<Live>) => void,
) {
  const client = createClient(AnalyticsService, transport);
  let failed = 0;
  const isOver = () => signal.aborted;
  while (!isOver()) {
    const stream = new AbortController();
    const end = () => {
      stream.abort();
    };
    signal.addEventListener("abort", end);
    let silence = setTimeout(end, SILENCE_MS);
    try {
      for await (const part of client.watchWorkspace({ workspaceId }, { signal: stream.signal })) {
        clearTimeout(silence);
        silence = setTimeout(end, SILENCE_MS);
        // What was asked before the connection broke may be wrong by now.
        if (failed > 0) void queries.invalidateQueries();
        failed = 0;
        tell({ connection: "live", since: Date.now(), ...partsOf(part) });
      }
    } catch (error) {
      if (isUnauthenticated(error)) {
        signOut();
        return;
      }
    } finally {
      clearTimeout(silence);
      signal.removeEventListener("abort", end);
    }
    if (isOver()) return;
    tell({ connection: "reconnecting" });
    await pause(WAITS_MS[Math.min(failed++, WAITS_MS.length - 1)] ?? 0, signal);
  }
}

function useVisible(): boolean {
  const [visible, setVisible] = useState(!document.hidden);
  useEffect(() => {
    const listen = () => {
      setVisible(!document.hidden);
    };
    document.addEventListener("visibilitychange", listen);
    return () => {
      document.removeEventListener("visibilitychange", listen);
    };
  }, []);
  return visible;
}

export function LiveProvider({
  workspaceId,
  children,
}: {
  workspaceId: string;
  children: ReactNode;
}) {
  const visible = useVisible();
  const [live, setLive] = useState<Live>(NOTHING);
  useEffect(() => {
    if (!visible) return undefined;
    const ending = new AbortController();
    void follow(workspaceId, ending.signal, (change) => {
      if (!ending.signal.aborted) setLive((before) => ({ ...before, ...change }));
    });
    return () => {
      ending.abort();
    };
  }, [workspaceId, visible]);
  const connection = visible ? live.connection : "paused";
  useEffect(() => {
    tellConnection({ connection, since: live.since });
  }, [connection, live.since]);
  const budget = live.budget?.workspaceId === workspaceId ? live.budget : undefined;
  return <LiveContext value={{ ...live, budget, connection }}>{children}</LiveContext>;
}
