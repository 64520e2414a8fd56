/** One HTTP/2 connection whose calls have the client's deadline and token, and its retries. */
import { connect as connectPlain } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";

import type { DescMethod } from "@bufbuild/protobuf";
import type { Interceptor, Transport } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";

import type { Target } from "./address.js";
import { isLoopback, parseAddress } from "./address.js";
import { UsageService } from "./gen/tollgate/v1/usage_service_pb.js";

/** Version of this package. */
export const VERSION = "0.1.0";

/** `true` for the roots that Node trusts, or roots in PEM. */
export type Tls = true | string | Buffer;

/** The secret of an access token, or what gives it, before each call. */
export type Token = string | (() => string | Promise<string>);

// What a header can carry, and no space: a token is one word.
const HEADER = /^[\x21-\x7e]+$/;

// Calls that count once however often they are made, because they carry a request id.
const { checkAndRoute, recordUsage, recordUsageBatch, releaseHold } = UsageService.method;
const IDEMPOTENT = new Set<DescMethod>([checkAndRoute, recordUsage, recordUsageBatch, releaseHold]);
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 1000;

/** Where to connect, and whom to be. */
export interface Endpoint {
  /** Makes the calls in place of a connection of our own; the three after it are not used then. */
  transport: Transport | undefined;
  /** As `parseAddress` has it. */
  address: string;
  tls: Tls | undefined;
  token: Token | undefined;
  timeoutMs: number;
  maxAttempts: number;
  interceptors: readonly Interceptor[];
}

/** A transport of Connect: what it makes of a call is all that is special to Tollgate. */
export class Connection implements Transport {
  /** Where it leads: `host:port`, or `unix:/path`. */
  readonly address: string;
  readonly stream: Transport["stream"];
  readonly #transport: Transport;
  readonly #sessions: Http2SessionManager | undefined;
  readonly #timeoutMs: number;
  readonly #maxAttempts: number;
  #closed = false;

  /** Does not connect yet. Throws `TypeError` for an address or a token that cannot be used. */
  constructor(endpoint: Endpoint) {
    const { transport, token, timeoutMs, maxAttempts } = endpoint;
    if (token && typeof token === "string" && !HEADER.test(token.trim())) {
      throw new TypeError("the token is not one that a header can carry");
    }
    if (transport) {
      this.address = "the end of its transport";
      this.#transport = authorized(transport, token, () => this.#closed);
    } else {
      ({
        address: this.address,
        sessions: this.#sessions,
        transport: this.#transport,
      } = connect(endpoint, () => this.#closed));
    }
    this.#timeoutMs = timeoutMs;
    this.#maxAttempts = maxAttempts;
    this.stream = this.#transport.stream.bind(this.#transport);
  }

  /** One call, tried again where that is harmless, within its deadline. */
  readonly unary: Transport["unary"] = async (method, signal, timeoutMs, ...rest) => {
    timeoutMs ??= this.#timeoutMs;
    const end = timeoutMs > 0 ? performance.now() + timeoutMs : Infinity;
    for (let attempt = 1; ; attempt++) {
      const left = end === Infinity ? 0 : Math.ceil(Math.max(1, end - performance.now()));
      try {
        return await this.#transport.unary(method, signal, left, ...rest);
      } catch (error) {
        const failure = signal?.aborted ? ConnectError.from(error) : named(error);
        const backoff = Math.min(BACKOFF_MIN_MS * 2 ** (attempt - 1), BACKOFF_MAX_MS);
        const pause = backoff * (0.8 + 0.4 * Math.random());
        const again = failure.code === Code.Unavailable && IDEMPOTENT.has(method);
        if (
          !again ||
          attempt >= this.#maxAttempts ||
          performance.now() + pause >= end ||
          this.#closed
        ) {
          throw failure;
        }
        await sleep(pause, undefined, signal && { signal }).catch((reason: unknown) => {
          throw ConnectError.from(reason, Code.Canceled);
        });
      }
    }
  };

  /** Ends every call that is still running. */
  close(): void {
    this.#closed = true;
    this.#sessions?.abort();
  }
}

/** An HTTP/2 connection of our own, which is not made yet. */
function connect(endpoint: Endpoint, isClosed: () => boolean) {
  const { address, token, timeoutMs, interceptors } = endpoint;
  const target = parseAddress(address, endpoint.tls !== undefined);
  const tls = endpoint.tls ?? (target.tls ? true : undefined);
  if (token && tls === undefined && !isLoopback(target)) {
    throw new TypeError(`a token is not sent to ${target.text} without TLS: set tls: true`);
  }
  const keepalive = { pingIntervalMs: 30_000, pingTimeoutMs: 10_000 };
  const scheme = tls === undefined ? "http" : "https";
  const baseUrl = `${scheme}://${target.host}:${String(target.port)}`;
  const sessions = new Http2SessionManager(baseUrl, keepalive, {
    createConnection: () => dial(target, tls, timeoutMs),
  });
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager: sessions,
    interceptors: [
      ...interceptors,
      // Async, so that a call that fails here ends as any other: its timer too.
      (next) => async (request) => {
        request.header.set("user-agent", `tollgate-typescript/${VERSION}`);
        await prepare(request.header, token, isClosed);
        return await next(request);
      },
    ],
  });
  return { address: target.text, sessions, transport };
}

/** A transport of the caller, whose calls have the token of the client. */
function authorized(
  transport: Transport,
  token: Token | undefined,
  isClosed: () => boolean,
): Transport {
  // What a stub was given, of whatever form headers have.
  const headerOf = async (given: Parameters<Transport["unary"]>[3]) => {
    const header = new Headers(given as Headers | undefined);
    await prepare(header, token, isClosed);
    return header;
  };
  return {
    unary: async (method, signal, timeoutMs, header, ...rest) =>
      transport.unary(method, signal, timeoutMs, await headerOf(header), ...rest),
    stream: async (method, signal, timeoutMs, header, ...rest) =>
      transport.stream(method, signal, timeoutMs, await headerOf(header), ...rest),
  };
}

/** Adds the token to a call that has none. Throws if there is none, or the client is closed. */
async function prepare(header: Headers, token: Token | undefined, isClosed: () => boolean) {
  if (isClosed()) {
    throw new ConnectError("the client is closed", Code.FailedPrecondition);
  }
  if (token && !header.has("authorization")) {
    header.set("authorization", `Bearer ${await secretOf(token)}`);
  }
}

async function secretOf(token: Token): Promise<string> {
  let secret: string;
  try {
    secret = (typeof token === "string" ? token : await token()).trim();
  } catch (error) {
    const text = `the token cannot be had: ${String(error)}`;
    throw new ConnectError(text, Code.Unauthenticated, undefined, undefined, error);
  }
  if (!HEADER.test(secret)) {
    const text = "the token is empty, or not one that a header can carry";
    throw new ConnectError(text, Code.Unauthenticated);
  }
  return secret;
}

/** Connects, within the time of one call: later calls are not to wait for an old attempt. */
function dial(target: Target, tls: Tls | undefined, timeoutMs: number) {
  const { path, port } = target;
  const host = target.host.replace(/^\[|\]$/g, "");
  const socket =
    tls === undefined
      ? connectPlain(path === undefined ? { host, port, noDelay: true } : { path })
      : connectTls({
          host,
          port,
          ALPNProtocols: ["h2"],
          ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
          ...(tls === true ? {} : { ca: tls }),
        }).setNoDelay();
  const timer = setTimeout(() => {
    socket.destroy(new ConnectError(`no connection to ${target.text}`, Code.Unavailable));
  }, timeoutMs).unref();
  const done = () => {
    clearTimeout(timer);
  };
  socket.once(tls === undefined ? "connect" : "secureConnect", done).once("close", done);
  return socket;
}

/** Names what befell the connection UNAVAILABLE; the transport knows some of it by other names. */
function named(error: unknown): ConnectError {
  const failure = ConnectError.from(error);
  const { code, rawMessage, metadata, cause } = failure;
  // What a token's source throws may come from Node, too.
  const isNamed = code === Code.Unavailable || code === Code.Unauthenticated;
  const isJudged = isNamed || metadata.has("grpc-status");
  if (!isJudged && (isOfConnection(cause) || /^http\/2 |missing status/.test(rawMessage))) {
    return new ConnectError(rawMessage, Code.Unavailable, undefined, undefined, failure);
  }
  return failure;
}

// What `fetch` throws where no server answers: in Node, Chrome, Firefox, Safari.
const OF_FETCH = /^(fetch failed|Failed to fetch|NetworkError|Load failed)/;

function isOfConnection(cause: unknown): boolean {
  for (let error = cause; error instanceof Error; error = error.cause) {
    if (error instanceof TypeError && OF_FETCH.test(error.message)) {
      return true;
    }
    if (
      "code" in error &&
      typeof error.code === "string" &&
      !error.code.startsWith("ERR_INVALID")
    ) {
      return true;
    }
  }
  return false;
}
