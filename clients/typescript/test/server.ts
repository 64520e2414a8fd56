/** A real Tollgate server, and a workspace in it for each test. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Decimal } from "decimal.js";
import type { ClientOptions, Logger } from "tollgate-grpc";
import { Client, Money } from "tollgate-grpc";
import type { UsageRecord } from "tollgate-grpc/v1";
import { HoldState } from "tollgate-grpc/v1";

/** The folder of the package; the tests run in it. */
export const PACKAGE = resolve(".");

/** An empty folder, for as long as the tests run. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "tollgate-ts-"));
  process.once("exit", () => {
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

/** What a test that is not about time gives a machine that is busy. */
export const PATIENT = { timeoutMs: 60_000, flushTimeoutMs: 60_000 };

// Below those that systems hand out by themselves, so that nobody is given that of a server which
// is down for a while; ten for each process.
let lastPort = 20_000 + (process.pid % 1200) * 10;

/** A port of loopback on which nobody listens. */
async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(++lastPort, "127.0.0.1");
    try {
      await once(server, "listening");
    } catch {
      continue;
    }
    server.close();
    await once(server, "close");
    return lastPort;
  }
}

/** Waits until something holds. */
export async function until<T>(look: () => Promise<T> | T, holds: (seen: T) => boolean) {
  const end = performance.now() + 60_000;
  for (;;) {
    const seen = await look();
    if (holds(seen) || performance.now() > end) {
      assert.ok(holds(seen), `not in 60 s: ${String(seen)}`);
      return seen;
    }
    await sleep(20);
  }
}

/** Collects what a client has to say. */
export class Log implements Logger {
  text = "";
  warn = (message: string) => void (this.text += `${message}\n`);
  error = this.warn;
}

/** The binary on a port of its own with a database of its own; can be killed and started. */
export class Server {
  readonly #folder = folder();
  #process: ChildProcess | undefined;

  private constructor(readonly address: string) {}

  static async start(): Promise<Server> {
    const server = new Server(`127.0.0.1:${String(await freePort())}`);
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const binary = resolve(process.env.TOLLGATE_TEST_BINARY || "../../target/debug/tollgate");
    assert.ok(existsSync(binary), `no server at ${binary}: cargo build`);
    const log = openSync(join(this.#folder, "server.log"), "a");
    this.#process = spawn(
      binary,
      ["serve", "--listen", this.address, "--database", "sqlite:tollgate.db"],
      { cwd: this.#folder, stdio: ["ignore", log, log] },
    );
    const child = this.#process;
    process.once("exit", () => child.kill("SIGKILL"));
    // A test that fails is not to keep the process alive.
    child.unref();
    try {
      await until(() => this.#answers(10_000), Boolean);
    } catch {
      assert.fail(readFileSync(join(this.#folder, "server.log"), "utf8"));
    }
  }

  /** Lets the server hang; comes back once it does. */
  async pause(): Promise<void> {
    this.#process?.kill("SIGSTOP");
    await until(
      () => this.#hangs(),
      (hangs) => hangs,
    );
  }

  /** Lets it go on. */
  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  async stop(how: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process) {
      process.ref();
      const exit = once(process, "exit");
      if (how !== "SIGKILL") {
        process.kill("SIGCONT"); // It may be stopped, where a test has failed.
      }
      process.kill(how);
      await exit;
    }
  }

  /** Asks the system, if it tells, whether all threads stand still: some may just be answering. */
  async #hangs(): Promise<boolean> {
    const threads = `/proc/${String(this.#process?.pid)}/task`;
    if (!existsSync(threads)) {
      return !(await this.#answers(1000));
    }
    return readdirSync(threads).every((thread) =>
      readFileSync(join(threads, thread, "stat"), "utf8").includes(") T "),
    );
  }

  async #answers(timeoutMs: number): Promise<boolean> {
    const client = new Client({ address: this.address, timeoutMs });
    try {
      await client.workspace.listWorkspaces({});
      return true;
    } catch {
      return false;
    } finally {
      await client.close();
    }
  }
}

/** A workspace with two enabled models, and what the server says of it. */
export class Workspace {
  private constructor(
    readonly client: Client,
    readonly id: string,
  ) {}

  static async create(client: Client, id = `w${randomBytes(6).toString("hex")}`) {
    const workspace = new Workspace(client, id);
    await client.workspace.createWorkspace({
      workspace: { workspaceId: id, currencyCode: "USD", timeZone: "UTC" },
    });
    const startDate = `${new Date().toISOString().slice(0, 7)}-01`;
    const plan = { budget: usd("1000"), overageLimit: usd("0"), startDate };
    await client.budget.setPlan({ workspaceId: id, plan });
    await workspace.enable("gpt-4.1", "gpt-4.1-mini");
    return workspace;
  }

  async enable(...models: string[]): Promise<void> {
    for (const modelId of models) {
      await this.client.modelLimit.enableModel({ workspaceId: this.id, modelId });
    }
  }

  /** Sets the cap of a model, and its fallback chain; an empty chain is any cheaper model. */
  async cap(modelId: string, amount: string, ...fallbackModelIds: string[]): Promise<void> {
    await this.client.modelLimit.setModelLimit({
      workspaceId: this.id,
      modelId,
      limit: usd(amount),
      fallbackModelIds,
    });
  }

  async fallback(enabled: boolean): Promise<void> {
    await this.client.budget.setAutomaticFallback({ workspaceId: this.id, enabled });
  }

  /** The usage log, oldest first. */
  async records(): Promise<UsageRecord[]> {
    const request = { workspaceId: this.id, pageSize: 1000 };
    return (await this.client.usage.listUsageRecords(request)).records.reverse();
  }

  async holds(): Promise<number> {
    const request = { workspaceId: this.id, state: HoldState.LIVE };
    return (await this.client.usage.listHolds(request)).holds.length;
  }

  async spent(): Promise<Decimal> {
    const { budget } = await this.client.budget.getBudget({ workspaceId: this.id });
    return budget?.spent ? Money.fromProto(budget.spent).amount : new Decimal(0);
  }

  /** The usage log once it has so many entries. */
  async waitFor(count: number): Promise<UsageRecord[]> {
    const records = await until(
      () => this.records(),
      (seen) => seen.length >= count,
    );
    assert.equal(records.length, count);
    return records;
  }

  /** The only entry, once it is there; nothing is held any more. */
  async only(): Promise<UsageRecord> {
    const [record] = await this.waitFor(1);
    assert.ok(record);
    await until(
      () => this.holds(),
      (held) => held === 0,
    );
    return record;
  }
}

/** A patient client that says nothing on the console. */
export function quiet(options: ClientOptions): { client: Client; log: Log } {
  const log = new Log();
  return { client: new Client({ ...PATIENT, logger: log, ...options }), log };
}

function usd(amount: string) {
  return new Money(amount, "USD").toProto();
}
