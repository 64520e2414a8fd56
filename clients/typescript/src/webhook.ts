/**
 * Says whether what is posted to a webhook comes from the server: Standard Webhooks, version 1.
 *
 * With the Web Crypto API alone, so that it runs wherever there is one; it imports nothing of Node.
 */

import { TollgateError } from "./error.js";

const ID = "webhook-id";
const TIMESTAMP = "webhook-timestamp";
const SIGNATURE = "webhook-signature";
const TOLERANCE_MS = 300_000;
const HMAC = { name: "HMAC", hash: "SHA-256" };

/** A delivery that is not from the server, or too old; it says why, without anything secret. */
export class WebhookError extends TollgateError {
  override name = "WebhookError";
}

/** Headers as `fetch` has them, or as Node has them: names in any case. */
export type WebhookHeaders =
  Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/** Settings of a verifier. */
export interface WebhookOptions {
  /** How far the time of a delivery may be from now, both ways, in milliseconds; 300000. */
  toleranceMs?: number | undefined;
}

/**
 * Verifies the signatures of deliveries.
 *
 * The server may post a delivery again: a receiver that has seen its header `webhook-id` may ignore
 * it.
 */
export class WebhookVerifier {
  readonly #keys: readonly Uint8Array<ArrayBuffer>[];
  readonly #toleranceMs: number;

  /**
   * Takes the secret, or secrets, that `CreateWebhook` and `RotateWebhookSecret` return: a delivery
   * that is signed with any of them is verified. While a secret is rotated the server signs with
   * both, so that the old one or the new one is enough.
   *
   * Throws `TypeError` for a secret that is none.
   */
  constructor(secrets: string | readonly string[], options: WebhookOptions = {}) {
    const { toleranceMs = TOLERANCE_MS, ...unknown } = options;
    if (Object.keys(unknown).length > 0) {
      throw new TypeError(
        `WebhookVerifier has no option ${Object.keys(unknown).sort().join(", ")}`,
      );
    }
    if (!(toleranceMs >= 0)) {
      throw new TypeError(`toleranceMs is not negative, not ${String(toleranceMs)}`);
    }
    const given = typeof secrets === "string" ? [secrets] : secrets;
    if (given.length === 0) {
      throw new TypeError("a webhook verifier needs a secret");
    }
    this.#keys = given.map(keyOf);
    this.#toleranceMs = toleranceMs;
  }

  /**
   * Resolves if a delivery is from the server and not old, and rejects with `WebhookError` if not:
   * answer 400 then.
   *
   * `body` is that of the request as it came, not parsed and written again. `at` is another time
   * than now, for tests and for deliveries that were kept.
   */
  async verify(headers: WebhookHeaders, body: string | Uint8Array, at = new Date()): Promise<void> {
    const id = required(headers, ID);
    const timestamp = required(headers, TIMESTAMP);
    const signatures = required(headers, SIGNATURE);
    this.#checkTime(timestamp, at);
    const given = signatures.split(" ").filter((signature) => signature.startsWith("v1,"));
    if (given.length === 0) {
      throw new WebhookError(`${SIGNATURE} has no signature of version 1, such as v1,…`);
    }
    const head = new TextEncoder().encode(`${id}.${timestamp}.`);
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
    const signed = new Uint8Array(head.length + bytes.length);
    signed.set(head);
    signed.set(bytes, head.length);
    for (const bare of this.#keys) {
      const key = await crypto.subtle.importKey("raw", bare, HMAC, false, ["verify"]);
      for (const signature of given) {
        const made = bytesOf(signature.slice("v1,".length));
        // Compares in a time that does not depend on where they differ.
        if (made && (await crypto.subtle.verify(HMAC.name, key, made, signed))) {
          return;
        }
      }
    }
    const why = "the secret is another one, or the body is not as it was sent";
    throw new WebhookError(`${SIGNATURE} does not fit: ${why}`);
  }

  #checkTime(timestamp: string, at: Date): void {
    if (!/^[0-9]{1,15}$/.test(timestamp)) {
      throw new WebhookError(`${TIMESTAMP} is no whole number of seconds`);
    }
    const age = Math.floor(at.getTime() / 1000) - Number(timestamp);
    if (!(Math.abs(age) * 1000 <= this.#toleranceMs)) {
      const where = `${String(Math.abs(age))} s in the ${age > 0 ? "past" : "future"}`;
      const most = `${String(this.#toleranceMs / 1000)} s`;
      throw new WebhookError(`${TIMESTAMP} is ${where}; expected at most ${most}`);
    }
  }
}

function required(headers: WebhookHeaders, name: string): string {
  let value: string | readonly string[] | null | undefined;
  if (headers instanceof Headers) {
    value = headers.get(name);
  } else {
    const key = Object.keys(headers).find((one) => one.toLowerCase() === name);
    value = key && headers[key];
  }
  const first = typeof value === "object" ? value?.[0] : value;
  if (!first) {
    throw new WebhookError(`${name} is missing`);
  }
  return first;
}

function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  const key = secret.startsWith("whsec_") ? bytesOf(secret.slice("whsec_".length)) : undefined;
  if (!key?.length) {
    throw new TypeError("the secret of a webhook is whsec_ and base64");
  }
  return key;
}

/** Bytes of base64; nothing for what is none, also for the same bytes written otherwise. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const binary = atob(text);
    return btoa(binary) === text
      ? Uint8Array.from(binary, (byte) => byte.charCodeAt(0))
      : undefined;
  } catch {
    return undefined;
  }
}
