/** Verification of deliveries to webhooks: the cases of all clients. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as all from "tollgate-grpc";
import type { WebhookOptions } from "tollgate-grpc/webhook";
import { WebhookError, WebhookVerifier } from "tollgate-grpc/webhook";

interface Delivery {
  about: string;
  secrets: string[];
  headers: Record<string, string>;
  body: string;
  now: number;
  message?: string;
}

const FILE = JSON.parse(readFileSync("../conformance/webhook.json", "utf8")) as {
  verified: Delivery[];
  refused: Delivery[];
  secrets_refused: string[];
};

test("webhooks are verified as in all clients", async () => {
  for (const { about, secrets, headers, body, now } of FILE.verified) {
    const verifier = new WebhookVerifier(secrets);
    for (const at of [new Date(now * 1000), new Date(now * 1000 + 900)]) {
      await verifier.verify(headers, body, at).catch((error: unknown) => {
        assert.fail(`${about}: ${String(error)}`);
      });
    }
    await verifier.verify(new Headers(headers), new TextEncoder().encode(body), at(now));
  }
  for (const { about, secrets, headers, body, now, message } of FILE.refused) {
    const verifier = new WebhookVerifier(secrets);
    await assert.rejects(verifier.verify(headers, body, at(now)), (error) => {
      assert.ok(error instanceof WebhookError);
      assert.equal(error.message, message, about);
      return true;
    });
  }
  for (const secret of FILE.secrets_refused) {
    const message = "the secret of a webhook is whsec_ and base64";
    assert.throws(() => new WebhookVerifier(secret), { name: "TypeError", message });
  }
  assert.ok(FILE.verified.length > 9 && FILE.refused.length > 29);
  assert.ok(FILE.secrets_refused.length > 9);
});

test("a webhook verifier has a secret and a tolerance", async () => {
  const [first] = FILE.verified;
  assert.ok(first);
  assert.equal(all.WebhookVerifier, WebhookVerifier);
  const { secrets, headers, body } = first;
  assert.throws(() => new WebhookVerifier([]), /needs a secret/);
  assert.throws(() => new WebhookVerifier(secrets, { toleranceMs: -1 }), /toleranceMs/);
  const misspelt = { tolerance: 1 } as WebhookOptions;
  assert.throws(() => new WebhookVerifier(secrets, misspelt), /has no option tolerance/);
  // It is years old.
  await assert.rejects(new WebhookVerifier(secrets).verify(headers, body), /in the past/);
  const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  await new WebhookVerifier(secrets, { toleranceMs: 3.2e12 }).verify(lists, body);
});

function at(seconds: number): Date {
  return new Date(seconds * 1000);
}
