/** Jobs that run at a provider, begun through a wrapped SDK client, until their end is seen. */
import { get } from "./answer.js";
import type { Client } from "./client.js";
import type { Call } from "./guard.js";
import type { ApiPromise } from "./wrap-stream.js";

interface Job {
  readonly workspace: string;
  readonly requestId: string;
  readonly model: string;
  readonly attempt: number;
}

// By the ids of their answers; the oldest are forgotten.
const jobs = new Map<string, Job>();
const JOBS_MAX = 10_000;
const PATH = /^\/responses\/([^/?]+)(\/cancel)?(\?|$)/;

/** Keeps a job that was only begun. */
export function remembered(id: string, workspace: string, call: Call): void {
  const { requestId, model, attempt } = call;
  jobs.set(id, { workspace, requestId, model, attempt });
  for (const oldest of jobs.keys()) {
    if (jobs.size <= JOBS_MAX) {
      break;
    }
    jobs.delete(oldest);
  }
}

/** Looks whether an answer is the end of a job of this process, and records it. */
export function follow(
  client: Client,
  promise: ApiPromise,
  path: string,
  provider: string,
): ApiPromise {
  const id = PATH.exec(path)?.[1];
  const job = id === undefined ? undefined : jobs.get(id);
  if (id === undefined || !job) {
    return promise;
  }
  return promise._thenUnwrap(async (answer) => {
    const isAnswer = get(answer, "id") === id;
    // One that goes on is held already, for long enough.
    const call = isAnswer && !isBegun(answer) ? await client.resume(job) : undefined;
    call?.record(answer, { provider });
    if (call && !call.unfinished) {
      jobs.delete(id);
    }
    await call?.end();
    return answer;
  });
}

function isBegun(answer: unknown): boolean {
  return ["queued", "in_progress"].includes(String(get(answer, "status")));
}
