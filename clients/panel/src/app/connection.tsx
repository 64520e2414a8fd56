// Whether what is shown is what is: live, reconnecting, or from some time ago.

import { useEffect, useState } from "react";
import { useLingui } from "@lingui/react/macro";

import { formatFor } from "./format";
import type { Live } from "./live";
import { useSettings } from "./settings";

/** The sidebar is above the workspace, so the state comes here by itself. */
let current: Pick<Live, "connection" | "since"> = { connection: "connecting", since: 0 };
const listeners = new Set<() => void>();

export function tellConnection(live: Pick<Live, "connection" | "since">) {
  current = live;
  for (const listener of listeners) listener();
}

export function ConnectionDot() {
  const { t } = useLingui();
  const { language } = useSettings();
  const [live, setLive] = useState(current);
  useEffect(() => {
    const listen = () => {
      setLive(current);
    };
    listeners.add(listen);
    listen();
    return () => {
      listeners.delete(listen);
    };
  }, []);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const since = live.since > 0 ? formatFor(language, zone).time(new Date(live.since)) : "";
  const texts = {
    connecting: t`connecting`,
    live: t`live`,
    reconnecting: since === "" ? t`reconnecting` : t`reconnecting: as of ${since}`,
    paused: t`paused`,
  };
  return (
    <p className={`connection ${live.connection}`} role="status">
      <span className="dot" aria-hidden="true" />
      {texts[live.connection]}
    </p>
  );
}
