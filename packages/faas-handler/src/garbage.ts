/** What is smaller is left to V8, which is quick with it. */
const LARGE = 2 ** 18;

/** How much of large garbage may lie about. */
const LIMIT = 3 * 2 ** 22;

/**
 * Counts the large buffers that requests leave behind and has them collected early. V8 itself waits until there are
 * 64 MB of them, which in a container of 128 MB is too late.
 */
export class GarbageMeter {
  readonly #collector: (() => Promise<() => void>) | undefined;
  #bytes = 0;
  #collected: Promise<void> | undefined;

  /** @param collector finds what collects, asked for when it is needed; without one nothing is done */
  constructor(collector: (() => Promise<() => void>) | undefined) {
    this.#collector = collector;
  }

  add(bytes: number): void {
    if (this.#collector === undefined || bytes < LARGE) {
      return;
    }
    this.#bytes += bytes;
    if (this.#bytes > LIMIT) {
      this.#bytes = 0;
      this.#collected ??= this.#collectSoon(this.#collector);
    }
  }

  /** What makes large garbage waits for this first, so that none is made on top of what is about to be collected. */
  get collected(): Promise<void> | undefined {
    return this.#collected;
  }

  async #collectSoon(collector: () => Promise<() => void>): Promise<void> {
    const collect = await collector();
    // Once whoever made it has let go of it.
    await new Promise<void>((resolve) => setImmediate(resolve));
    collect();
    this.#collected = undefined;
  }
}
