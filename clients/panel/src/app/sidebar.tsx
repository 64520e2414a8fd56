// The workspaces, and at the bottom: administration, who is here, and what this browser prefers.

import { useState } from "react";
import { useQuery } from "@connectrpc/connect-query";
import { Trans, useLingui } from "@lingui/react/macro";

import { AccessService, Role } from "@stubs/access_service_pb.js";
import { WorkspaceService } from "@stubs/workspace_service_pb.js";

import { Button, Skeleton } from "../ui/base";
import { useSettled } from "../ui/settled";
import { ConnectionDot } from "./connection";
import { Preferences } from "./preferences";
import { navigate, pathOf, useRoute } from "./route";
import { signOut, token } from "./session";
import { useAllowed, useCaller } from "./workspace";

/** From so many on there is a search. */
const MANY = 8n;
/** Most that are listed at once. */
const SHOWN_MAX = 50;

export function Sidebar() {
  const { workspaceId, tab } = useRoute();
  const { administer } = useAllowed();
  const { t } = useLingui();
  const href = pathOf(workspaceId, "limits");
  return (
    <aside className="sidebar">
      <a className="brand" href="/" aria-label="Tollgate">
        <img src="/icon.svg" alt="" width="24" height="24" /> Tollgate
      </a>
      <nav aria-label={t`Workspaces`} className="workspaces">
        <h2>
          <Trans>Workspaces</Trans>
        </h2>
        <Workspaces tab={tab} />
      </nav>
      <div className="sidebar-foot">
        {administer && workspaceId !== "" && (
          <a
            className="admin"
            href={href}
            aria-current="true"
            onClick={(event) => {
              event.preventDefault();
              navigate(href);
            }}
          >
            <Trans>Admin</Trans>
          </a>
        )}
        <ConnectionDot />
        <Caller />
        <Preferences />
        <Version />
      </div>
    </aside>
  );
}

function Workspaces({ tab }: { tab: string }) {
  const { workspaceId } = useRoute();
  const { t } = useLingui();
  const [search, setSearch] = useState("");
  const query = useSettled(search);
  const list = useQuery(WorkspaceService.method.listWorkspaces, { query, pageSize: SHOWN_MAX });
  if (!list.data) return <Skeleton lines={3} />;
  const { workspaces, totalCount } = list.data;
  return (
    <>
      {(search !== "" || totalCount >= MANY) && (
        <input
          type="search"
          aria-label={t`Search workspaces`}
          placeholder={t`Search`}
          value={search}
          onChange={(event) => {
            setSearch(event.target.value);
          }}
        />
      )}
      <ul>
        {workspaces.map(({ workspaceId: id, displayName }) => (
          <li key={id}>
            <a
              href={pathOf(id, tab)}
              aria-current={id === workspaceId ? "true" : undefined}
              onClick={(event) => {
                if (event.metaKey || event.ctrlKey) return;
                event.preventDefault();
                navigate(pathOf(id, tab));
              }}
            >
              <span>{displayName || id}</span>
              {displayName !== "" && displayName !== id && <small>{id}</small>}
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}

/** Of the server. */
function Version() {
  const { data } = useQuery(AccessService.method.getServerInfo, {}, { staleTime: Infinity });
  return <small className="version">{data ? `Tollgate ${data.version}` : "\u00a0"}</small>;
}

function Caller() {
  const caller = useCaller();
  const { t } = useLingui();
  if (!caller) return null;
  const names: Record<Role, string> = {
    [Role.UNSPECIFIED]: "",
    [Role.OPERATOR]: t`Operator`,
    [Role.ADMIN]: t`Administrator`,
    [Role.SERVICE]: t`Service`,
    [Role.VIEWER]: t`Viewer: may change nothing`,
    [Role.HOLDER]: t`Holder`,
  };
  return (
    <div className="caller">
      <span title={caller.identity}>{caller.identity}</span>
      <small>{names[caller.role]}</small>
      {token() !== undefined && (
        <Button kind="quiet" onClick={signOut}>
          <Trans>Sign out</Trans>
        </Button>
      )}
    </div>
  );
}
