// The address of the page: `/w/WORKSPACE/TAB?what=is&shown=here`. It has all state of a view that
// somebody would want to keep or send.

import { useCallback, useMemo, useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
addEventListener("popstate", announce);

function announce() {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const address = () => location.pathname + location.search;

export function navigate(to: string, replace = false) {
  if (to === address()) return;
  history[replace ? "replaceState" : "pushState"](null, "", to);
  announce();
}

export interface Route {
  /** Empty before one is chosen. */
  workspaceId: string;
  /** Empty for the first. */
  tab: string;
}

export function useRoute(): Route {
  const path = useSyncExternalStore(subscribe, () => location.pathname);
  return useMemo(() => {
    const [, w, workspaceId = "", tab = ""] = path.split("/");
    return w === "w"
      ? { workspaceId: decodeURIComponent(workspaceId), tab }
      : { workspaceId: "", tab: "" };
  }, [path]);
}

export function pathOf(workspaceId: string, tab: string): string {
  return `/w/${encodeURIComponent(workspaceId)}/${tab}`;
}

/** A value of the query string; the default is left out of the address. */
export function useParam(name: string, byDefault = ""): [string, (value: string) => void] {
  const search = useSyncExternalStore(subscribe, () => location.search);
  const value = useMemo(
    () => new URLSearchParams(search).get(name) ?? byDefault,
    [search, name, byDefault],
  );
  const set = useCallback(
    (next: string) => {
      setParams({ [name]: next === byDefault ? "" : next });
    },
    [name, byDefault],
  );
  return [value, set];
}

/** An entry of a table by what an address names; none for names that every object has. */
export function entryOf<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Changes values of the query string; empty ones are left out. */
export function setParams(changes: Record<string, string>) {
  const params = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === "") params.delete(name);
    else params.set(name, value);
  }
  const search = params.toString();
  navigate(location.pathname + (search && `?${search}`), true);
}
