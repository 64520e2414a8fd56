/**
 * The file behind a queue: records that wait survive the process.
 *
 * JSON lines of `RecordUsageRequest`, appended when a record is queued and taken out once it is
 * delivered. A record that a crash leaves in the file although it was delivered is sent again under
 * the same request id and counted once. It is written for the end of the process, not of the
 * machine: nothing is forced to the disk.
 */
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from "node:fs";
import { resolve } from "node:path";

import { fromJsonString, toJsonString } from "@bufbuild/protobuf";

import type { RecordUsageRequest } from "./gen/tollgate/v1/usage_service_pb.js";
import { RecordUsageRequestSchema } from "./gen/tollgate/v1/usage_service_pb.js";
import { lock } from "./lock.js";

/** Where a client says what went wrong behind its caller's back; `console` is one. */
export interface Logger {
  warn(message: string): void;
  error(message: string): void;
}

const FILE_BYTES_MAX = 256 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
const NEWLINE = 10;

/** One file with a lock of its own. */
export class QueueFile {
  /** Records that found no room in memory and wait in the file alone. */
  beyond = 0;
  readonly #path: string;
  readonly #logger: Logger;
  readonly #unlock: () => void;
  #file: number;
  #size: number;
  // The file has lines of records that wait in memory, some of them delivered by now, and from one
  // place on those that wait in the file alone.
  #lines = 0;
  #beyondAt = 0;

  /** Opens the file. Throws if it cannot be used or another client has it. */
  constructor(path: string, logger: Logger) {
    this.#path = resolve(path);
    this.#logger = logger;
    this.#unlock = lock(`${this.#path}.lock`);
    try {
      this.#file = openSync(this.#path, "a+");
    } catch (error) {
      this.#unlock();
      throw error;
    }
    this.#size = fstatSync(this.#file).size;
  }

  /** Reads what an earlier process has left: at most `room`, the others stay beyond. */
  load(room: number): RecordUsageRequest[] {
    const last = Buffer.alloc(1, NEWLINE);
    readSync(this.#file, last, 0, 1, Math.max(0, this.#size - 1));
    if (last[0] !== NEWLINE) {
      // A process was killed while it wrote; what follows must be on a line of its own.
      this.#size += writeSync(this.#file, "\n");
    }
    for (const lines of this.#lineBlocks(0)) {
      this.beyond += lines.length;
    }
    this.#lines = this.beyond;
    return this.tidy([], room);
  }

  /** Writes one line, for a record that waits in memory too or only here; says if it could. */
  append(record: RecordUsageRequest, inMemory: boolean): boolean {
    try {
      const line = Buffer.from(lineOf(record));
      if (this.#size + line.length > FILE_BYTES_MAX) {
        return false;
      }
      this.#size += this.#write(line);
    } catch (error) {
      this.#logger.error(`tollgate: cannot write ${this.#path}: ${String(error)}`);
      return false;
    }
    this.#lines += 1;
    if (inMemory) {
      this.#beyondAt = this.#size;
    } else {
      this.beyond += 1;
    }
    return true;
  }

  /**
   * Forgets what is delivered, given what still waits in memory, and reads up to `room` records
   * that wait here once none does. The file is rewritten only when half of it is done, so that a
   * record costs the same however long the queue is.
   */
  tidy(waiting: readonly RecordUsageRequest[], room: number): RecordUsageRequest[] {
    const read: RecordUsageRequest[] = [];
    try {
      while (this.beyond > 0 && waiting.length + read.length === 0) {
        read.push(...this.#takeUp(room));
      }
      const live = waiting.length + read.length + this.beyond;
      if (live === 0 && this.#size > 0) {
        ftruncateSync(this.#file, 0);
        this.#size = this.#lines = this.#beyondAt = 0;
      } else if (this.#lines >= 2 * live && live > 0) {
        this.#rewrite([...waiting, ...read], live);
      }
    } catch (error) {
      this.#logger.error(`tollgate: cannot rewrite ${this.#path}: ${String(error)}`);
    }
    return read;
  }

  /** Lets another client have the file. */
  close(): void {
    closeSync(this.#file);
    this.#unlock();
  }

  /** Reads records from where those begin that wait here alone. */
  #takeUp(room: number): RecordUsageRequest[] {
    const taken: string[] = [];
    for (const lines of this.#lineBlocks(this.#beyondAt)) {
      for (const line of lines.slice(0, room - taken.length)) {
        taken.push(line.toString());
        this.#beyondAt += line.length + 1;
      }
      if (taken.length === room) {
        break;
      }
    }
    this.beyond = taken.length === 0 ? 0 : this.beyond - taken.length;
    return taken.flatMap((line) => this.#parse(line));
  }

  /** Appends a line, or nothing: a part of one would spoil the next. */
  #write(line: Buffer): number {
    try {
      return writeAll(this.#file, line);
    } catch (error) {
      ftruncateSync(this.#file, this.#size);
      throw error;
    }
  }

  #rewrite(kept: readonly RecordUsageRequest[], live: number): void {
    const fresh = `${this.#path}.new`;
    const file = openSync(fresh, "w");
    let size: number;
    let beyondAt: number;
    try {
      size = beyondAt = writeAll(file, Buffer.from(kept.map(lineOf).join("")));
      const chunk = Buffer.alloc(CHUNK_BYTES);
      for (let at = this.#beyondAt, count; ; at += count) {
        count = readSync(this.#file, chunk, 0, CHUNK_BYTES, at);
        if (count === 0) {
          break;
        }
        size += writeAll(file, chunk.subarray(0, count));
      }
    } finally {
      closeSync(file);
    }
    closeSync(this.#file);
    try {
      renameSync(fresh, this.#path);
      this.#size = size;
      this.#beyondAt = beyondAt;
      this.#lines = live;
    } finally {
      this.#file = openSync(this.#path, "a+");
    }
  }

  /** The lines from a place on, many at a time. */
  *#lineBlocks(at: number): Iterable<Buffer[]> {
    let rest = Buffer.alloc(0);
    for (;;) {
      const chunk = Buffer.alloc(CHUNK_BYTES);
      const count = readSync(this.#file, chunk, 0, CHUNK_BYTES, at);
      if (count === 0) {
        return;
      }
      at += count;
      rest = Buffer.concat([rest, chunk.subarray(0, count)]);
      const lines: Buffer[] = [];
      for (let end; (end = rest.indexOf(NEWLINE)) >= 0; rest = rest.subarray(end + 1)) {
        lines.push(rest.subarray(0, end));
      }
      yield lines;
    }
  }

  #parse(line: string): RecordUsageRequest[] {
    try {
      return [fromJsonString(RecordUsageRequestSchema, line, { ignoreUnknownFields: true })];
    } catch (error) {
      this.#logger.error(`tollgate: a line of the queue file is not a record: ${String(error)}`);
      return [];
    }
  }
}

function lineOf(record: RecordUsageRequest): string {
  return `${toJsonString(RecordUsageRequestSchema, record)}\n`;
}

function writeAll(file: number, data: Buffer): number {
  for (let at = 0; at < data.length;) {
    at += writeSync(file, data, at);
  }
  return data.length;
}
