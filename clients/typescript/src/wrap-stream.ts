/** One call of a wrapped SDK client: its answer, or its stream, and how it ended. */
import { get } from "./answer.js";
import type { Call } from "./guard.js";

/** What the SDKs answer with: nothing is read of it before somebody asks. */
export interface ApiPromise extends Promise<unknown> {
  parse(): Promise<unknown>;
  asResponse(): Promise<unknown>;
  _responseProps?(): Promise<unknown>;
  _thenUnwrap(transform: (answer: unknown) => unknown): ApiPromise;
}

/** The streams of the SDKs. */
export interface SdkStream extends AsyncIterable<unknown> {
  controller: AbortController;
}
type StreamClass = new (
  iterator: () => AsyncIterator<unknown>,
  controller: AbortController,
) => SdkStream;

type Remember = (answerId: string, call: Call) => void;
type Guard = (body: object, signal: AbortSignal | undefined) => Promise<Call>;

// What nobody reads to its end, or at all, ends when it is collected.
const forgotten = new FinalizationRegistry<Answer>((answer) => {
  answer.forget();
});

/** What becomes of one call. */
export class Answer {
  readonly #guard: Guard;
  readonly #provider: string;
  readonly #remember: Remember;
  readonly #texts: string[] = [];
  #call: Call | undefined;
  #refused: TypeError | undefined;
  #parsed = false;
  #hide = false;
  #finished = false;

  constructor(guard: Guard, provider: string, remember: Remember) {
    this.#guard = guard;
    this.#provider = provider;
    this.#remember = remember;
  }

  /** Checks, and gives the options of the request that is to be sent. */
  async prepare(given: unknown, path: string): Promise<unknown> {
    const options = await given;
    // By now whoever wants the raw response has said so.
    if (this.#refused) {
      throw this.#refused;
    }
    const body = get(options, "body");
    if (typeof options !== "object" || typeof body !== "object" || body === null) {
      return options;
    }
    const signal = get(options, "signal");
    const call = await this.#guard(body, signal instanceof AbortSignal ? signal : undefined);
    this.#call = call;
    const extra: Record<string, unknown> = {};
    if (path.startsWith("/chat/completions") && get(body, "stream") === true) {
      const wanted = get(body, "stream_options");
      this.#hide = get(wanted, "include_usage") !== true;
      extra.stream_options = { ...(wanted as object | undefined), include_usage: true };
    }
    return { ...options, body: { ...body, ...extra, model: call.model } };
  }

  /** Reads an answer, or what passes of a stream; gives what the caller gets. */
  async answered(answer: unknown): Promise<unknown> {
    if (isStream(answer)) {
      return this.#call ? this.#observed(answer, this.#call) : answer;
    }
    this.#call?.record(answer, { provider: this.#provider });
    const id = get(answer, "id");
    if (this.#call?.unfinished && typeof id === "string") {
      this.#remember(id, this.#call);
    }
    await this.#call?.end();
    return answer;
  }

  /** Notes that the answer is being read, and how that fails. */
  async parsing<T>(parsed: Promise<T>): Promise<T> {
    this.#parsed = true;
    forgotten.unregister(this);
    try {
      return await parsed;
    } catch (error) {
      await this.#call?.end(error);
      throw error;
    }
  }

  /** Refuses the raw response: its usage would pass unseen. */
  refuseRaw(): void {
    if (this.#parsed) {
      return;
    }
    this.#refused = new TypeError(
      "a wrapped client cannot see the usage of a raw response: instead of asResponse() use" +
        " withResponse(), or the client itself inside of client.guard()",
    );
    if (this.#call) {
      throw this.#refused;
    }
  }

  /** A caller who stops after the last word has had an answer; any other gave up. */
  async abandon(): Promise<void> {
    await this.#ended(this.#finished ? undefined : new DOMException("abandoned", "AbortError"));
  }

  /** The same where nobody waits for it. */
  forget(): void {
    this.abandon().catch((error: unknown) => {
      console.error(`tollgate: ${String(error)}`);
    });
  }

  #observed(stream: SdkStream, call: Call): SdkStream {
    // Ends by itself what is aborted and not read any more; first, how its reading ends.
    const onAbort = () =>
      setImmediate(() => {
        this.forget();
      });
    stream.controller.signal.addEventListener("abort", onAbort, { once: true });
    const iterate = () => {
      if (!forgotten.unregister(this)) {
        // Another iteration has it; the SDK says what it thinks of a second one.
        return stream[Symbol.asyncIterator]();
      }
      const events = this.#events(stream, call);
      forgotten.register(events, this, this);
      return events;
    };
    const observed = new (stream.constructor as StreamClass)(iterate, stream.controller);
    forgotten.register(observed, this, this);
    return observed;
  }

  async *#events(stream: SdkStream, call: Call): AsyncGenerator<unknown, void> {
    let done = false;
    try {
      for await (const event of stream) {
        call.record(event, { provider: this.#provider });
        this.#read(event);
        const choices = get(event, "choices");
        const hidden = this.#hide && Array.isArray(choices) && choices.length === 0;
        if (!hidden || get(event, "usage") === undefined) {
          yield event;
        }
      }
      // A stream that was aborted ends like any other.
      done = !stream.controller.signal.aborted;
    } catch (error) {
      await this.#ended(error);
      throw error;
    } finally {
      await (done ? this.#ended(undefined) : this.abandon());
    }
  }

  /** Says of the output how far it came. */
  async #ended(error: unknown): Promise<void> {
    if (this.#call) {
      this.#call.outputText = this.#texts.join("");
      await this.#call.end(error);
    }
  }

  #read(event: unknown): void {
    const type = get(event, "type");
    const delta = get(event, "delta");
    const texts: unknown[] = [];
    if (type === undefined) {
      const choices = get(event, "choices");
      for (const choice of Array.isArray(choices) ? choices : []) {
        const said = get(choice, "delta");
        texts.push(get(said, "content"), get(said, "refusal"), get(said, "reasoning_content"));
        const tools = get(said, "tool_calls");
        for (const tool of Array.isArray(tools) ? tools : []) {
          texts.push(get(get(tool, "function"), "arguments"));
        }
        this.#finished ||= get(choice, "finish_reason") !== undefined;
      }
    } else if (type === "content_block_delta") {
      texts.push(get(delta, "text"), get(delta, "thinking"), get(delta, "partial_json"));
    } else if (typeof type === "string" && /^response\..*\.delta$/.test(type)) {
      texts.push(delta);
    }
    const last = ["message_stop", "message_delta", "response.completed"];
    this.#finished ||= last.includes(String(type));
    this.#texts.push(...texts.filter((text) => typeof text === "string"));
  }
}

/** Lets an answer see what becomes of a promise of the SDK, and of all that are made from it. */
export function take(promise: ApiPromise, answer: Answer): ApiPromise {
  const observed = watch(
    promise._thenUnwrap((parsed) => answer.answered(parsed)),
    answer,
  );
  forgotten.register(observed, answer, answer);
  return observed;
}

function watch(promise: ApiPromise, answer: Answer): ApiPromise {
  const parse = promise.parse.bind(promise);
  const asResponse = promise.asResponse.bind(promise);
  const thenUnwrap = promise._thenUnwrap.bind(promise);
  promise.parse = () => answer.parsing(parse());
  promise.asResponse = () => {
    answer.refuseRaw();
    return asResponse();
  };
  const props = promise._responseProps?.bind(promise);
  if (props) {
    promise._responseProps = () => {
      answer.refuseRaw();
      return props();
    };
  }
  promise._thenUnwrap = (transform) => watch(thenUnwrap(transform), answer);
  return promise;
}

function isStream(answer: unknown): answer is SdkStream {
  return (
    typeof answer === "object" &&
    answer !== null &&
    Symbol.asyncIterator in answer &&
    get(answer, "controller") instanceof AbortController
  );
}
