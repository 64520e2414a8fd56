/** Names of the API, and the reasons of its errors. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Code, ConnectError } from "@connectrpc/connect";
import type { BudgetState, Call, ErrorReason, Reason, Verdict } from "tollgate-grpc";
import { Client, errorReason } from "tollgate-grpc";
import type * as v1 from "tollgate-grpc/v1";

import { PATIENT, Server } from "./server.js";

const TEXT = WireType.LengthDelimited;

let server: Server;

before(async () => {
  server = await Server.start();
});
after(() => server.stop());

/** Compiles only where both are the same. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;

test("unions have every member of the enums", () => {
  const same: [
    Same<Reason, Exclude<keyof typeof v1.Reason, "UNSPECIFIED">>,
    Same<Verdict["reason"], Reason | "">,
    Same<Call["budgetState"], BudgetState | "">,
  ] = [true, true, true];
  assert.ok(same);
  const verdict = { reason: "EXHAUSTED" } as Pick<Verdict, "reason">;
  // @ts-expect-error There is no such reason.
  assert.ok(verdict.reason !== "EXAUSTED");
});

test("errors of the server have a reason", async () => {
  const client = new Client({ ...PATIENT, address: server.address });
  const reasonOf = async (workspaceId: string): Promise<ErrorReason | undefined> => {
    try {
      await client.budget.getBudget({ workspaceId });
      return undefined;
    } catch (error) {
      return errorReason(error);
    }
  };
  assert.equal(await reasonOf("nowhere"), "WORKSPACE_NOT_FOUND");
  assert.equal(await reasonOf(""), "INVALID_FIELD");
  await client.close();

  for (const other of [new Error("own"), undefined, new ConnectError("no", Code.NotFound)]) {
    assert.equal(errorReason(other), undefined);
  }
  // What a newer server says is not lost, and what others say is not taken for it.
  for (const [domain, expected] of [
    ["tollgate", "NEW"],
    ["other", undefined],
  ] as const) {
    const info = new BinaryWriter()
      .tag(1, TEXT)
      .string("ERROR_REASON_NEW")
      .tag(2, TEXT)
      .string(domain);
    const value = info.tag(3, TEXT).string("metadata").finish();
    const error = new ConnectError("no", Code.NotFound);
    error.details = [
      { type: "google.rpc.RetryInfo", value: new Uint8Array() },
      { type: "google.rpc.ErrorInfo", value },
    ];
    assert.equal(errorReason(error), expected);
  }
});
