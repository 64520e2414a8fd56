/**
 * The queue of what is to be recorded, and the one sender that delivers it in the background.
 *
 * It never holds up who puts something in, and never throws. What it delivers counts exactly once,
 * because a record is sent again under the same request id. It does not keep a process alive: one
 * that has nothing else to do flushes, and ends.
 */
import type { Client } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";

import type { Breaker } from "./breaker.js";
import { isUnauthorized, isUnreached } from "./errors.js";
import type {
  ItemError,
  RecordUsageRequest,
  RecordUsageResponse,
  ExtendHoldRequest,
  ReleaseHoldRequest,
  UsageService,
} from "./gen/tollgate/v1/usage_service_pb.js";
import type { Logger } from "./queue-file.js";
import { QueueFile } from "./queue-file.js";

const BATCH_MAX = 100;
const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 5000;
// While the server does not accept the credentials: it answers one such call a second.
const DENIED_BACKOFF_MIN_MS = 1000;
const DENIED_BACKOFF_MAX_MS = 60_000;
// Codes which say that nobody has judged the record yet.
const UNREACHED: readonly number[] = [Code.Unavailable, Code.DeadlineExceeded];

/** What leaving a guard may have to send. */
export type Item = RecordUsageRequest | Hold;
/** What becomes of a hold. */
type Hold = ReleaseHoldRequest | ExtendHoldRequest;

/** What has to be tried again, and the error of the call if there was one. */
type Again = Map<Item, unknown>;

/**
 * Counts of usage records since the client was made, those of calls with `wait` included.
 *
 * `queued` is what waits now; what is refused was wrong, and is in the log.
 */
export interface Stats {
  queued: number;
  delivered: number;
  dropped: number;
  refused: number;
}

/** What a queue needs to know. */
export interface DeliveryOptions {
  usage: Client<typeof UsageService>;
  queueMax: number;
  queuePath: string | undefined;
  flushTimeoutMs: number;
  logger: Logger;
  breaker: Breaker;
}

/** A bounded queue with one sender, begun by the first record. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #file: QueueFile | undefined;
  readonly #waiting: Item[] = [];
  readonly #flushes = new Set<() => void>();
  #delivered = 0;
  #dropped = 0;
  #refused = 0;
  #sending = false;
  #stopped = false;
  #gaveUp = false;
  #wake: (() => void) | undefined;
  /** Of the last try. */
  #denied = false;

  /** Takes up what an earlier process has left in the file. */
  constructor(options: DeliveryOptions) {
    this.#options = options;
    if (options.queuePath !== undefined) {
      this.#file = new QueueFile(options.queuePath, options.logger);
      this.#waiting.push(...this.#file.load(options.queueMax));
      this.#start();
    }
  }

  /** Queues a record, or what becomes of a hold, and returns at once. */
  put(item: Item): void {
    if (this.#stopped) {
      this.#drop("the client is closed");
      return;
    }
    const { queueMax } = this.#options;
    const room = this.#waiting.length < queueMax && !this.#file?.beyond;
    if (this.#file && isRecord(item)) {
      if (!this.#file.append(item, room)) {
        this.#drop("the queue file is full or cannot be written");
        return;
      }
    } else if (!room) {
      this.#drop(`${String(queueMax)} are waiting already`);
      return;
    }
    if (room) {
      this.#waiting.push(item);
    }
    this.#gaveUp = false;
    this.#start();
  }

  /** Counts what did not go through the queue. */
  count({ delivered = 0, refused = 0 }): void {
    this.#delivered += delivered;
    this.#refused += refused;
  }

  /** Waits until all is delivered, at most so long; says how much is left. */
  async flush(timeoutMs = this.#options.flushTimeoutMs): Promise<number> {
    if (this.#left() === 0 || this.#stopped) {
      return this.#left();
    }
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#flushes.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#flushes.add(done);
      this.#wake?.();
    });
    return this.#left();
  }

  /** Delivers what it can within the time, and stops; says how much is left. */
  async close(timeoutMs?: number): Promise<number> {
    const left = await this.flush(timeoutMs);
    if (!this.#stopped) {
      this.#stopped = true;
      this.#changed();
      this.#wake?.();
      unfinished.delete(this);
      this.sayLeft();
      this.#file?.close();
    }
    return left;
  }

  /** Counts what became of the records. */
  stats(): Stats {
    return {
      queued: this.#left(),
      delivered: this.#delivered,
      dropped: this.#dropped,
      refused: this.#refused,
    };
  }

  /** Flushes when the process has nothing else to do; once, so that it can end. */
  async finish(): Promise<void> {
    if (!this.#gaveUp) {
      this.#gaveUp = true;
      await this.flush();
    }
  }

  /** Says what becomes of records that were not delivered. */
  sayLeft(): void {
    const left = String(this.#left());
    if (this.#left() > 0 && this.#file) {
      this.#options.logger.warn(`tollgate: ${left} usage records wait in the queue file`);
    } else if (this.#left() > 0) {
      this.#options.logger.error(`tollgate: ${left} usage records were not delivered and are lost`);
    }
  }

  #left(): number {
    return this.#waiting.length + (this.#file?.beyond ?? 0);
  }

  #drop(why: string): void {
    this.#dropped += 1;
    if (this.#dropped === 1) {
      this.#options.logger.error(`tollgate: a usage record is dropped: ${why} (logged once)`);
    }
  }

  #changed(): void {
    if (this.#left() === 0 || this.#stopped) {
      unfinished.delete(this);
      for (const done of this.#flushes) {
        done();
      }
    }
  }

  #start(): void {
    if (this.#left() > 0) {
      unfinished.add(this);
      if (!this.#sending) {
        this.#sending = true;
        void this.#run();
      }
    }
  }

  async #run(): Promise<void> {
    let backoff = BACKOFF_MIN_MS;
    // What is recorded in the same turn goes together.
    await new Promise(setImmediate);
    while (!this.#stopped && this.#left() > 0) {
      const batch = this.#waiting.slice(0, BATCH_MAX);
      const again = await this.#send(batch);
      this.#waiting.splice(0, batch.length, ...again);
      this.#tidyFile();
      this.#changed();
      if (again.length > 0) {
        const least = this.#denied ? DENIED_BACKOFF_MIN_MS : BACKOFF_MIN_MS / 2;
        backoff = Math.max(backoff, least);
        await this.#pause(Math.max(backoff * (0.5 + Math.random() / 2), least), least);
        const most = this.#denied ? DENIED_BACKOFF_MAX_MS : BACKOFF_MAX_MS;
        backoff = Math.min(backoff * 2, most);
      } else {
        backoff = BACKOFF_MIN_MS;
      }
    }
    this.#sending = false;
  }

  /** Takes out of the file what is delivered, and into memory what has been waiting there. */
  #tidyFile(): void {
    if (this.#file && !this.#stopped) {
      const room = this.#options.queueMax - this.#waiting.length;
      this.#waiting.push(...this.#file.tidy(this.#waiting.filter(isRecord), room));
    }
  }

  /** Waits, shorter while somebody waits for the queue. Keeps no process alive. */
  async #pause(pauseMs: number, leastMs: number): Promise<void> {
    const begin = performance.now();
    const left = () => {
      const wait = this.#flushes.size > 0 ? leastMs : pauseMs;
      return this.#stopped ? 0 : begin + wait - performance.now();
    };
    for (let wait = left(); wait > 0; wait = left()) {
      await this.#sleep(wait);
    }
  }

  #sleep(spanMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(this.#wake, spanMs).unref();
    });
  }

  /** Sends once and gives back what has to be tried again, in its order. */
  async #send(batch: readonly Item[]): Promise<Item[]> {
    const again: Again = new Map();
    const denied = () => [...again.values()].find(isUnauthorized);
    await this.#record(batch.filter(isRecord), again);
    // Who is not let in with the records is not with the releases either.
    const before = denied();
    await Promise.all(
      batch.map(async (item) => {
        if (!isRecord(item)) {
          const error = before ?? (await this.#settle(item));
          if (error) {
            again.set(item, error);
          }
        }
      }),
    );
    const why = denied()?.message;
    this.#denied = why !== undefined;
    if (why !== undefined) {
      this.#options.logger.error(`tollgate: a delivery is denied and will be tried again: ${why}`);
    }
    return batch.filter((item) => again.has(item));
  }

  /** Adds the records that have to be tried again, and why. */
  async #record(records: RecordUsageRequest[], again: Again): Promise<void> {
    if (records.length === 0) {
      return;
    }
    try {
      const { results } = await this.#options.usage.recordUsageBatch({ records });
      this.#options.breaker.reached();
      for (const [index, record] of records.entries()) {
        const result = results[index]?.result;
        if (result?.case === "record") {
          this.#delivered += 1;
        } else if (isUnreachedItem(result?.value)) {
          again.set(record, undefined);
        } else {
          this.#refuse(record, result?.value?.message ?? "it was not answered");
        }
      }
    } catch (error) {
      for (const record of records) {
        if (isUnreached(error) || isUnauthorized(error) || this.#stopped) {
          again.set(record, error);
        } else {
          this.#refuse(record, String(error));
        }
      }
    }
  }

  /** Gives a hold back or extends it; one that has ended is as good. Says why to try again. */
  async #settle(hold: Hold): Promise<ConnectError | undefined> {
    try {
      await (hold.$typeName === "tollgate.v1.ReleaseHoldRequest"
        ? this.#options.usage.releaseHold(hold)
        : this.#options.usage.extendHold(hold));
    } catch (error) {
      if (isUnreached(error) || isUnauthorized(error)) {
        return error;
      }
      if (ConnectError.from(error).code !== Code.NotFound) {
        const why = String(error);
        this.#options.logger.warn(`tollgate: the hold ${hold.requestId} stays: ${why}`);
      }
    }
    return undefined;
  }

  #refuse(record: RecordUsageRequest, why: string): void {
    this.#refused += 1;
    const id = record.requestId;
    this.#options.logger.error(`tollgate: the usage record ${id} is refused: ${why}`);
  }
}

/** Says whether an item is a record, and not about a hold. */
export function isRecord(item: Item): item is RecordUsageRequest {
  return item.$typeName === "tollgate.v1.RecordUsageRequest";
}

function isUnreachedItem(item: RecordUsageResponse | ItemError | undefined): boolean {
  return item !== undefined && "code" in item && UNREACHED.includes(item.code);
}

// The queues that are not empty.
const unfinished = new Set<Delivery>();

process.on("beforeExit", () => {
  for (const delivery of unfinished) {
    void delivery.finish();
  }
});
process.on("exit", () => {
  for (const delivery of unfinished) {
    delivery.sayLeft();
  }
});
