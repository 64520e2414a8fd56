/** Where a client connects: one grammar, the same in every language. */

const PORT = 50_051;
const PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };
const SCHEME = /^(?:(https?):\/\/|(dns):(?:\/\/\/)?|(unix):(?:\/\/)?)/i;
const HOST = /^(\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?$/;
const LOOPBACK = /^(?:unix:.*|(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]):\d+)$/s;

/** What is dialled: a host, in brackets where it is IPv6, and its port; or the path of a socket. */
export interface Target {
  host: string;
  port: number;
  path: string | undefined;
  tls: boolean;
  /** `host:port`, or `unix:/path`. */
  text: string;
}

/**
 * Gives where an address leads, and whether with TLS.
 *
 * The port is 50051 where none is said, with http 80 and with https 443. Throws `TypeError` for
 * what is no address; that is not shown, as there may be a password in it.
 */
export function parseAddress(address: string, tls: boolean): Target {
  const found = SCHEME.exec(address);
  const scheme = (found?.[1] ?? found?.[2] ?? found?.[3] ?? "").toLowerCase();
  let rest = address.slice(found?.[0].length ?? 0);
  if (rest.includes("@")) {
    throw noAddress("it has user information: give the token as token");
  }
  if (tls && (scheme === "http" || scheme === "unix")) {
    throw noAddress(`${scheme} is plaintext, and tls is set`);
  }
  if (scheme === "unix") {
    if (!rest.startsWith("/")) {
      throw noAddress("a socket is named by its whole path");
    }
    return { host: "localhost", port: PORT, path: rest, tls: false, text: `unix:${rest}` };
  }
  if (scheme in PORTS) {
    rest = rest.replace(/\/$/, "");
  }
  const [, host, digits] = HOST.exec(rest) ?? [];
  const port = Number(digits ?? PORTS[scheme] ?? PORT);
  if (host === undefined || port < 1 || port > 65_535) {
    throw noAddress("it is not a host and a port from 1 to 65535");
  }
  const text = `${host}:${String(port)}`;
  return { host, port, path: undefined, tls: tls || scheme === "https", text };
}

/** Says whether what is sent there stays on this machine. */
export function isLoopback({ text }: Target): boolean {
  return LOOPBACK.test(text);
}

function noAddress(why: string): TypeError {
  const expected =
    "expected host, host:port, [IPv6]:port, http://host:port, https://host:port, dns:host:port" +
    " or unix:/path";
  return new TypeError(`the address cannot be dialled: ${why}; ${expected}`);
}
