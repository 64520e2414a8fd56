// The real server on data of its own, for a test file: made, served, called, killed.

import { execFile, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const binary =
  process.env.TOLLGATE_TEST_BINARY ??
  new URL("../../../target/debug/tollgate", import.meta.url).pathname;
const run = promisify(execFile);

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class Server {
  /** With a generated workspace `demo`, unless none is asked for. */
  static async start({ records = 3000, generate = ["--users", "40"], args = [] } = {}) {
    const server = new Server();
    server.folder = mkdtempSync(join(tmpdir(), "tollgate-panel-"));
    server.database = `sqlite:${join(server.folder, "test.db")}`;
    server.args = args;
    if (records > 0) {
      execFileSync(
        binary,
        ["generate", "--database", server.database, "--records", String(records), ...generate],
        { stdio: "ignore" },
      );
    }
    server.port = await freePort();
    server.url = `http://127.0.0.1:${server.port}`;
    await server.up();
    return server;
  }

  async up() {
    const create = ["--create"];
    this.process = spawn(
      binary,
      [
        "serve",
        "--database",
        this.database,
        "--listen",
        `127.0.0.1:${this.port}`,
        ...create,
        ...this.args,
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    this.log = "";
    this.process.stderr.on("data", (data) => (this.log += data));
    for (let waited = 0; waited < 400; waited++) {
      if (this.process.exitCode !== null) throw new Error(`the server ended: ${this.log}`);
      try {
        await fetch(this.url, { signal: AbortSignal.timeout(2000) });
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    throw new Error(`the server does not answer: ${this.log}`);
  }

  /** As if the machine lost power. */
  async kill() {
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGKILL");
    await ended;
  }

  async stop() {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** One call, as the JSON that it answers. */
  async call(method, input, token) {
    const secret = token === undefined ? [] : ["--token", token];
    const { stdout } = await run(binary, [
      "call",
      "--server",
      this.url,
      ...secret,
      method,
      JSON.stringify(input),
    ]);
    return JSON.parse(stdout || "{}");
  }

  /** A file beside the database. */
  file(name, text) {
    const path = join(this.folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }
}
