// The access token of this tab: in memory and in the session storage, never in a cookie. It ends
// with the tab, after half an hour without use, and after twelve hours in any case.

const KEY = "tollgate.token";
const IDLE_MS = 30 * 60 * 1000;
const ABSOLUTE_MS = 12 * 60 * 60 * 1000;

interface Kept {
  token: string;
  began: number;
  used: number;
}

let kept: Kept | undefined = read();
const listeners = new Set<() => void>();

function read(): Kept | undefined {
  try {
    const value = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Partial<Kept> | null;
    const { token, began, used } = value ?? {};
    if (typeof token !== "string" || typeof began !== "number" || typeof used !== "number") {
      return undefined;
    }
    return { token, began, used };
  } catch {
    return undefined;
  }
}

function write(next: Kept | undefined) {
  kept = next;
  if (next) sessionStorage.setItem(KEY, JSON.stringify(next));
  else sessionStorage.removeItem(KEY);
}

/** The token, if there is one and its time has not run out. */
export function token(now = Date.now()): string | undefined {
  if (kept && (now - kept.used > IDLE_MS || now - kept.began > ABSOLUTE_MS)) signOut();
  return kept?.token;
}

/** Somebody is here: what a page asks by itself does not count as use. */
export function touch(now = Date.now()) {
  if (kept && now - kept.used > 1000 && token(now) !== undefined) write({ ...kept, used: now });
}

export function signIn(token: string, now = Date.now()) {
  write({ token, began: now, used: now });
  announce();
}

export function signOut() {
  write(undefined);
  announce();
}

export function onSession(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function announce() {
  for (const listener of listeners) listener();
}
