/** The pages of List calls. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { Client, pages, TollgateError } from "tollgate-grpc";
import { ListKeyGroupsRequestSchema, ListModelsResponseSchema } from "tollgate-grpc/v1";

import { PATIENT, Server, Workspace } from "./server.js";

const GROUPS = ["a", "b", "c", "d", "e"];

let server: Server;
let client: Client;

before(async () => {
  server = await Server.start();
  client = new Client({ ...PATIENT, address: server.address });
});
after(async () => {
  await client.close();
  await server.stop();
});

test("every entry is there once", async () => {
  const { id: workspaceId } = await Workspace.create(client);
  for (const keyGroupId of GROUPS) {
    await client.apiKey.createKeyGroup({ workspaceId, keyGroup: { keyGroupId } });
  }
  const request = { workspaceId, pageSize: 2 };
  // A message as well as its fields; neither is changed.
  for (const given of [request, create(ListKeyGroupsRequestSchema, request), request]) {
    const got = [];
    for await (const page of pages(client.apiKey.listKeyGroups, given)) {
      got.push(page);
    }
    assert.deepEqual(
      got.map(({ keyGroups }) => keyGroups.length),
      [2, 2, 1],
    );
    const ids = got.flatMap(({ keyGroups }) => keyGroups.map(({ keyGroupId }) => keyGroupId));
    assert.deepEqual(ids, GROUPS);
  }
  const first = await client.apiKey.listKeyGroups(request);
  const later = { ...request, pageToken: first.nextPageToken };
  for await (const page of pages(client.apiKey.listKeyGroups, later)) {
    assert.equal(page.keyGroups[0]?.keyGroupId, "c");
    break;
  }
  const wrong = pages(client.apiKey.listKeyGroups, { workspaceId: "nowhere" });
  await assert.rejects(wrong.next(), { code: Code.NotFound });
});

test("options of the call hold for every page", async () => {
  const signal = AbortSignal.abort();
  const models = pages(client.catalog.listModels, {}, { signal });
  await assert.rejects(models.next(), { code: Code.Canceled });
});

test("a repeated token is an error", async () => {
  for (const tokens of [["a", "a"], ["a", "b", "a"], ["begin"]]) {
    const rest = [...tokens];
    const list = (request: { pageToken?: string }) => {
      assert.ok(request.pageToken);
      return Promise.resolve(
        create(ListModelsResponseSchema, { nextPageToken: rest.shift() ?? "" }),
      );
    };
    const walk = pages(list, { pageToken: "begin" });
    await assert.rejects(
      async () => {
        for await (const page of walk) {
          assert.deepEqual(page.models, []);
        }
      },
      (error) => error instanceof TollgateError && error.message.includes("page token again"),
    );
    assert.deepEqual(rest, []);
  }
});
