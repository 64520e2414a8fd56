/** The circuit breaker: while the server does not answer, one call at a time probes it. */
import { Code, ConnectError } from "@connectrpc/connect";

import { isUnreached } from "./errors.js";
import type { Logger } from "./queue-file.js";

/** The error of a call that was not made, as an earlier one was not answered. */
export class CircuitOpen extends ConnectError {
  constructor(why: string) {
    super(why, Code.Unavailable);
  }
}

/** What a breaker needs to know. */
export interface BreakerOptions {
  /** Where the server is, for the log. */
  address: string;
  /** The break duration; 0 lets every call pass. */
  pauseMs: number;
  timeoutMs: number;
  logger: Logger;
}

/** Lets all calls pass until one is not answered; then one after each pause, until one is. */
export class Breaker {
  readonly #options: BreakerOptions;
  /** When the next call may pass; absent while all may. */
  #until: number | undefined;
  #why = "";
  #reached = false;
  #stopped = false;
  /** Since it was last answered. */
  #warned = false;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** Makes a call, if one may pass; throws `CircuitOpen` otherwise. */
  async call<T>(make: () => Promise<T>): Promise<T> {
    this.#enter();
    let answer: T;
    try {
      answer = await make();
    } catch (error) {
      if (isUnreached(error)) {
        this.#failed(error);
      } else {
        this.reached();
      }
      throw error;
    }
    this.reached();
    return answer;
  }

  /** Takes note that the server has answered. */
  reached(): void {
    this.#until = undefined;
    this.#reached = true;
    this.#warned = false;
  }

  /** Lets every call pass: the closed client fails it. */
  stop(): void {
    this.#until = undefined;
    this.#stopped = true;
  }

  /**
   * Says that a call runs unchecked; loudly if no call ever was checked.
   *
   * Of those that do not wait only the first is said: there can be very many.
   */
  warn(error: ConnectError): void {
    const { address, logger } = this.#options;
    const isSaid = this.#warned && error instanceof CircuitOpen;
    this.#warned = true;
    if (isSaid) {
      return;
    }
    if (this.#reached) {
      logger.warn(`tollgate does not answer, running unchecked: ${error.rawMessage}`);
    } else {
      logger.error(
        `tollgate has NEVER answered at ${address} since this client was made: running unchecked,` +
          ` so no limit holds. Is this its address? ${error.rawMessage}`,
      );
    }
  }

  #enter(): void {
    const now = performance.now();
    if (this.#until === undefined) {
      return;
    }
    if (now < this.#until) {
      throw new CircuitOpen(this.#why);
    }
    // Until it has its answer; if it never says, for as long as it can take.
    this.#until = now + this.#options.timeoutMs + this.#options.pauseMs;
  }

  #failed(error: ConnectError): void {
    const { pauseMs } = this.#options;
    if (pauseMs > 0 && !this.#stopped) {
      this.#until = performance.now() + pauseMs;
      this.#why = `an earlier call was not answered: ${error.rawMessage}`;
    }
  }
}
