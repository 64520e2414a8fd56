// How the page calls the server that it came from, and what it makes of errors.

import type { DescMessage, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { keepPreviousData, QueryClient } from "@tanstack/react-query";

import { token } from "./session";

const authorize: Interceptor = (next) => (request) => {
  const secret = token();
  if (secret !== undefined) request.header.set("authorization", `Bearer ${secret}`);
  return next(request);
};

export const transport = createGrpcWebTransport({
  baseUrl: location.origin,
  useBinaryFormat: true,
  interceptors: [authorize],
});

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      placeholderData: keepPreviousData,
      retry: (count, error) => isPassing(error) && count < 3,
      retryDelay: (count) => Math.min(250 * 2 ** count, 2_000),
    },
  },
});

/** Whether the same call may succeed in a moment: the server is away, or stops. */
export function isPassing(error: unknown): boolean {
  const { code } = ConnectError.from(error);
  return code === Code.Unavailable || code === Code.Unknown;
}

export function isUnauthenticated(error: unknown): boolean {
  return ConnectError.from(error).code === Code.Unauthenticated;
}

/** What an error says of each field, by its path in the request. */
export function violations(error: unknown): Map<string, string> {
  const found = new Map<string, string>();
  for (const detail of ConnectError.from(error).details) {
    if (!("type" in detail) || detail.type !== "google.rpc.BadRequest") continue;
    for (const [field, description] of badRequest(detail.value)) found.set(field, description);
  }
  return found;
}

/** The reason of an error, in words. */
export function reasonOf(error: unknown): string {
  return ConnectError.from(error).rawMessage;
}

/** One call, outside of a component. */
export function callOnce<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  input: MessageInitShape<I>,
) {
  const client = createClient(method.parent, transport) as unknown as Record<
    string,
    (input: MessageInitShape<I>) => Promise<import("@bufbuild/protobuf").MessageShape<O>>
  >;
  const call = client[method.localName];
  if (!call) throw new Error(`no method ${method.name}`);
  return call(input);
}

/** Field violations of a google.rpc.BadRequest; its stubs alone would be more than this page. */
function badRequest(bytes: Uint8Array): [string, string][] {
  const text = new TextDecoder();
  return fieldsOf(bytes, 1).map((violation) => {
    const [field] = fieldsOf(violation, 1);
    const [description] = fieldsOf(violation, 2);
    return [text.decode(field), text.decode(description)];
  });
}

/** The values of a field of type bytes, string or message. */
function fieldsOf(bytes: Uint8Array, wanted: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; at < bytes.length; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (at < bytes.length) {
    const tag = varint();
    if ((tag & 7) !== 2) return found;
    const length = varint();
    if (tag >> 3 === wanted) found.push(bytes.subarray(at, at + length));
    at += length;
  }
  return found;
}
