import type { Body, ByteLease } from "./body.js";
import { Problem } from "./problem.js";

/** Bytes a second that a body must come with on average; what arrives faster is not saved up for later. */
const SLOWEST = 4096;

/** Milliseconds that a client may have been waited for before its body gives way to one that there is no memory for. */
const GIVES_WAY_AFTER = 1000;

/** How often bodies are looked at that do not come, in milliseconds. */
const SWEEP = 250;

export interface UploadsOptions {
  /** Bytes that all bodies together may hold in memory: without it, each of many would be allowed the largest one. */
  readonly bytes: number;
  /** Milliseconds that a body may stand still, or come with less than 4 KiB a second. */
  readonly patience: number;
}

/**
 * The bodies that are being read, and the memory for all of them. Only the time counts in which the function waits for the
 * client, never that in which the client waits for the function.
 */
export class Uploads {
  readonly #options: UploadsOptions;
  readonly #coming = new Set<Upload>();
  #taken = 0;
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  /** Bodies that are coming. */
  get coming(): number {
    return this.#coming.size;
  }

  /** @param refuse called once, with the reason, if the body will not be read to its end */
  open(refuse: (problem: Problem) => void): Upload {
    return new Upload(this, this.#options.patience, refuse);
  }

  /** From now on the upload is looked at. */
  begin(upload: Upload): void {
    this.#coming.add(upload);
    this.#sweep ??= setInterval(() => this.#look(), SWEEP).unref();
  }

  /** The upload is whole, refused or given up. */
  finish(upload: Upload): void {
    this.#coming.delete(upload);
  }

  /** @throws Problem too-many-requests where there is no memory for these bytes and none can be had */
  take(bytes: number, by: Upload): void {
    const { bytes: limit } = this.#options;
    while (this.#taken + bytes > limit) {
      const slowest = this.#slowest(by);
      if (slowest === undefined) {
        throw outOfMemory();
      }
      this.finish(slowest);
      slowest.refuse(outOfMemory());
    }
    this.#taken += bytes;
  }

  giveBack(bytes: number): void {
    this.#taken -= bytes;
  }

  /** Whose client has been waited for longest, if that is long, and whose end gives memory back. */
  #slowest(than: Upload): Upload | undefined {
    let slowest: Upload | undefined;
    for (const upload of this.#coming) {
      if (upload !== than && upload.held > 0 && upload.waited > (slowest?.waited ?? GIVES_WAY_AFTER)) {
        slowest = upload;
      }
    }
    return slowest;
  }

  #look(): void {
    for (const upload of this.#coming) {
      if (upload.patience < 0) {
        this.finish(upload);
        upload.refuse(
          new Problem(
            "request-timeout",
            "The body stopped coming, or came with less than 4 KiB a second; send it again.",
          ),
        );
      }
    }
    if (this.#coming.size === 0) {
      clearInterval(this.#sweep);
      this.#sweep = undefined;
    }
  }
}

/** The body of one request on its way in, and its share of the memory. */
export class Upload implements ByteLease {
  readonly #uploads: Uploads;
  readonly #patience: number;
  readonly #refuse: (problem: Problem) => void;
  #held = 0;
  /** Milliseconds for which the client may be waited for; what comes adds to it. */
  #credit: number;
  #waited = 0;
  /** Since when the client is waited for. */
  #asked: number | undefined;

  constructor(uploads: Uploads, patience: number, refuse: (problem: Problem) => void) {
    this.#uploads = uploads;
    this.#patience = patience;
    this.#refuse = refuse;
    this.#credit = patience;
  }

  /** Bytes of its share. */
  get held(): number {
    return this.#held;
  }

  /** Milliseconds for which the client has been waited for in all. */
  get waited(): number {
    return this.#waited + this.#waiting;
  }

  /** Milliseconds for which it may still be waited for. */
  get patience(): number {
    return this.#credit - this.#waiting;
  }

  get #waiting(): number {
    return this.#asked === undefined ? 0 : performance.now() - this.#asked;
  }

  /** Passes a body on and watches how fast it comes. */
  async *read(body: Body): AsyncGenerator<Uint8Array, void, undefined> {
    const iterator = body[Symbol.asyncIterator]();
    this.#uploads.begin(this);
    try {
      for (;;) {
        this.#asked = performance.now();
        const { done, value } = await iterator.next();
        this.#arrived(value?.byteLength ?? 0);
        if (done === true) {
          return;
        }
        yield value;
      }
    } finally {
      this.#uploads.finish(this);
    }
  }

  #arrived(bytes: number): void {
    const waited = this.#waiting;
    this.#asked = undefined;
    this.#waited += waited;
    this.#credit = Math.min(this.#patience, this.#credit - waited + (1000 * bytes) / SLOWEST);
  }

  grow(bytes: number): void {
    this.#uploads.take(bytes, this);
    this.#held += bytes;
  }

  end(): number {
    // Whoever began to read may have turned away from it without a word.
    this.#uploads.finish(this);
    const bytes = this.#held;
    this.#held = 0;
    this.#uploads.giveBack(bytes);
    return bytes;
  }

  /** Ends the request; what it held is there for others at once. */
  refuse(problem: Problem): void {
    this.end();
    this.#refuse(problem);
  }
}

function outOfMemory(): Problem {
  return new Problem("too-many-requests", "Other requests hold all the memory there is for bodies; try again.", {
    headers: { "retry-after": "1" },
  });
}
