// The frame: who is here, which workspace is shown, and its tabs.

import { lazy, Suspense, useEffect, useSyncExternalStore } from "react";
import { useQuery } from "@connectrpc/connect-query";
import { msg } from "@lingui/core/macro";
import { Trans, useLingui } from "@lingui/react/macro";

import { AccessService, Role } from "@stubs/access_service_pb.js";
import type { WhoAmIResponse } from "@stubs/access_service_pb.js";
import { WorkspaceService } from "@stubs/workspace_service_pb.js";

import { Empty, ErrorBox, Skeleton } from "../ui/base";
import { isUnauthenticated, queries } from "./api";
import { BudgetBanner } from "./banner";
import { Boundary } from "./boundary";
import { useFormat } from "./format";
import { LiveProvider, useLive } from "./live";
import { navigate, pathOf, useRoute } from "./route";
import { onSession, token } from "./session";
import { Sidebar } from "./sidebar";
import { SignIn } from "./sign-in";
import { CallerContext, WorkspaceContext } from "./workspace";

/** In the order of the tab bar. Each is loaded when it is first shown. */
export const TABS = [
  { id: "limits", title: msg`Token limits`, page: lazy(() => import("../pages/limits/page")) },
  { id: "analytics", title: msg`Analytics`, page: lazy(() => import("../pages/analytics/page")) },
  { id: "insight", title: msg`Insight`, page: lazy(() => import("../pages/insight/page")) },
  { id: "users", title: msg`Users`, page: lazy(() => import("../pages/users/page")) },
  { id: "keys", title: msg`Quotas & keys`, page: lazy(() => import("../pages/keys/page")) },
  { id: "alerts", title: msg`Alerts`, page: lazy(() => import("../pages/alerts/page")) },
  { id: "live", title: msg`Live`, page: lazy(() => import("../pages/live/page")) },
  { id: "audit", title: msg`Audit`, page: lazy(() => import("../pages/audit/page")) },
  { id: "settings", title: msg`Settings`, page: lazy(() => import("../pages/settings/page")) },
];

const MyUsage = lazy(() => import("../pages/mine/page"));

export function App() {
  const secret = useSyncExternalStore(onSession, token);
  const caller = useQuery(AccessService.method.whoAmI, {}, { staleTime: Infinity });
  useEffect(() => {
    // Another token, another caller: nothing that the one before has seen is shown.
    void queries.resetQueries();
  }, [secret]);
  if (caller.error && isUnauthenticated(caller.error))
    return <SignIn refused={secret !== undefined} />;
  if (caller.error) {
    return (
      <main className="alone">
        <ErrorBox error={caller.error} onRetry={() => void caller.refetch()} />
      </main>
    );
  }
  if (!caller.data) return <Starting />;
  return (
    <CallerContext value={caller.data}>
      <Frame caller={caller.data} />
    </CallerContext>
  );
}

function Starting() {
  return (
    <main className="alone">
      <Skeleton lines={4} />
    </main>
  );
}

function Frame({ caller }: { caller: WhoAmIResponse }) {
  const { workspaceId } = useRoute();
  const found = useQuery(
    WorkspaceService.method.listWorkspaces,
    { pageSize: 1 },
    { enabled: caller.role !== Role.HOLDER },
  );
  const workspaces = found.data?.workspaces ?? [];
  const first = caller.role === Role.HOLDER ? caller.workspaceIds[0] : workspaces[0]?.workspaceId;
  useEffect(() => {
    if (workspaceId === "" && first !== undefined) navigate(pathOf(first, "limits"), true);
  }, [workspaceId, first]);
  if (caller.role === Role.HOLDER) {
    return (
      <Suspense fallback={<Starting />}>
        <MyUsage caller={caller} />
      </Suspense>
    );
  }
  return (
    <div className="frame">
      <Sidebar />
      <div className="content">
        {found.error && <ErrorBox error={found.error} onRetry={() => void found.refetch()} />}
        {found.data && workspaces.length === 0 && <NoWorkspace />}
        {workspaceId !== "" && <WorkspaceView key={workspaceId} />}
      </div>
    </div>
  );
}

function NoWorkspace() {
  return (
    <main>
      <Empty>
        <h1>
          <Trans>No workspace yet</Trans>
        </h1>
        <p>
          <Trans>Create one with WorkspaceService/CreateWorkspace; it appears here then.</Trans>
        </p>
      </Empty>
    </main>
  );
}

function WorkspaceView() {
  const { workspaceId, tab } = useRoute();
  const { i18n } = useLingui();
  const workspace = useQuery(WorkspaceService.method.getWorkspace, { workspaceId });
  const shown = TABS.find(({ id }) => id === tab) ?? TABS[0];
  const name = workspace.data?.workspace?.displayName || workspaceId;
  const title = shown && i18n._(shown.title);
  useEffect(() => {
    document.title = `${title ?? ""} · ${name} · Tollgate`;
  }, [title, name]);
  if (workspace.error) {
    return (
      <main>
        <ErrorBox error={workspace.error} onRetry={() => void workspace.refetch()} />
      </main>
    );
  }
  if (!shown) return null;
  const Page = shown.page;
  return (
    <WorkspaceContext value={workspace.data?.workspace}>
      <LiveProvider workspaceId={workspaceId}>
        <Tabs workspaceId={workspaceId} shown={shown.id} />
        <BudgetBanner />
        <main>
          <Boundary key={shown.id}>
            <Suspense fallback={<Skeleton lines={8} height={600} />}>
              {workspace.data ? <Page /> : <Skeleton lines={8} height={600} />}
            </Suspense>
          </Boundary>
        </main>
      </LiveProvider>
    </WorkspaceContext>
  );
}

function Tabs({ workspaceId, shown }: { workspaceId: string; shown: string }) {
  const { i18n, t } = useLingui();
  const { alerts } = useLive();
  const format = useFormat();
  const open = alerts?.unacknowledgedCount ?? 0n;
  const count = format.count(open);
  return (
    <nav className="tabs" aria-label={t`Admin panel`}>
      {TABS.map(({ id, title }) => (
        <a
          key={id}
          href={pathOf(workspaceId, id)}
          aria-current={id === shown ? "page" : undefined}
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey) return;
            event.preventDefault();
            navigate(pathOf(workspaceId, id));
          }}
        >
          {i18n._(title)}
          {id === "alerts" && open > 0n && (
            <span className="count">
              <span aria-hidden="true">{count}</span>
              <span className="hidden">
                <Trans>({count} not acknowledged)</Trans>
              </span>
            </span>
          )}
        </a>
      ))}
    </nav>
  );
}
