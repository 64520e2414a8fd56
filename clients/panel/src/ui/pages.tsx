// Lists that come in pages: the next one is asked for by a button.

import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Trans } from "@lingui/react/macro";

import { callOnce } from "../app/api";
import { useFormat } from "../app/format";
import { Button, ErrorBox } from "./base";

interface Page {
  nextPageToken: string;
}

/** The pages of a list so far, as one list. */
export function useList<I extends DescMessage, O extends DescMessage, T>(
  method: DescMethodUnary<I, O>,
  input: MessageInitShape<I> & object,
  rowsOf: (page: MessageShape<O>) => T[],
) {
  const query = useInfiniteQuery({
    queryKey: [method.parent.typeName, method.name, input],
    initialPageParam: "",
    queryFn: ({ pageParam }) => callOnce(method, { ...input, pageToken: pageParam }),
    getNextPageParam: (last) => (last as unknown as Page).nextPageToken || undefined,
    queryKeyHashFn: (key) =>
      JSON.stringify(key, (_, value: unknown) =>
        typeof value === "bigint" ? String(value) : value,
      ),
  });
  return {
    rows: query.data?.pages.flatMap(rowsOf) ?? [],
    first: query.data?.pages[0],
    query,
  };
}

/** How many there are in all. */
export function Total({ count }: { count: bigint | undefined }) {
  const format = useFormat();
  if (count === undefined) return null;
  const all = format.count(count);
  return (
    <span className="hint">
      <Trans>{all} in all</Trans>
    </span>
  );
}

type List = ReturnType<typeof useList>["query"];

export function More({
  query,
}: {
  query: Pick<List, "hasNextPage" | "isFetchingNextPage" | "fetchNextPage" | "error">;
}) {
  if (!query.hasNextPage) return null;
  return (
    <div className="more">
      {query.error && <ErrorBox error={query.error} />}
      <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
        <Trans>Show more</Trans>
      </Button>
    </div>
  );
}
