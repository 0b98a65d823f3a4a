/** Requests that are worked on or wait for their bodies, in multiples of the places for work; few places make no difference. */
const REQUESTS_A_PLACE = 4;
const FEWEST_REQUESTS = 256;

/** A request's presence, from its first line until its answer has been read. */
export interface Visit {
  placed: boolean;
}

/**
 * Counts requests. A place for work is taken when a body is in, not before, so that slow clients take none; whoever waits
 * for its body only counts as a request, of which there may be more.
 */
export class Admission {
  readonly #places: number;
  readonly #most: number;
  #requests = 0;
  #placed = 0;
  #idle: (() => void)[] = [];

  /** @param places how many requests may be worked on at once */
  constructor(places: number) {
    this.#places = places;
    this.#most = Math.max(FEWEST_REQUESTS, REQUESTS_A_PLACE * places);
  }

  /** Requests that are here. */
  get requests(): number {
    return this.#requests;
  }

  /** Requests that are worked on. */
  get placed(): number {
    return this.#placed;
  }

  /** Whether a request can come in. One that brings a body need not bring it where all places are taken already. */
  admits(method: string): boolean {
    const needsPlace = method !== "GET" && method !== "HEAD";
    return this.#requests < this.#most && !(needsPlace && this.#placed >= this.#places);
  }

  enter(): Visit {
    this.#requests++;
    return { placed: false };
  }

  /** @returns whether there was a place */
  takePlace(visit: Visit): boolean {
    if (visit.placed) {
      return true;
    }
    if (this.#placed >= this.#places) {
      return false;
    }
    this.#placed++;
    visit.placed = true;
    return true;
  }

  leave(visit: Visit): void {
    this.#requests--;
    if (visit.placed) {
      this.#placed--;
    }
    if (this.#requests === 0) {
      const idle = this.#idle;
      this.#idle = [];
      for (const resolve of idle) {
        resolve();
      }
    }
  }

  /** Resolves when no request is here. */
  whenIdle(): Promise<void> {
    return this.#requests === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }
}
