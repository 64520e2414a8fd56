/** Iterators over the pages of List calls. */
import type { CallOptions } from "@connectrpc/connect";

import { TollgateError } from "./error.js";

/**
 * Goes through the pages of a List call, from that of the request's `pageToken` on:
 *
 *     for await (const page of pages(client.usage.listUsageRecords, { workspaceId: "acme" })) {
 *       for (const record of page.records) ...
 *
 * Each page is asked for when it is needed; the request is not changed. Throws what the call
 * throws, and `TollgateError` if the server gives a page token again, as there would be no end.
 */
export async function* pages<
  Q extends { pageToken?: string | undefined },
  A extends { nextPageToken: string },
>(
  list: (request: Q, options?: CallOptions) => Promise<A>,
  request: NoInfer<Q>,
  options?: CallOptions,
): AsyncGenerator<A, void, undefined> {
  const seen = new Set([request.pageToken ?? ""]);
  for (let next = request; ;) {
    const page = await list(next, options);
    yield page;
    const pageToken = page.nextPageToken;
    if (!pageToken) {
      return;
    }
    if (seen.has(pageToken)) {
      throw new TollgateError("the server gave a page token again");
    }
    seen.add(pageToken);
    next = { ...next, pageToken };
  }
}
