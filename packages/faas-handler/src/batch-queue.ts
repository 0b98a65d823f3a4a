import type { Classifier } from "./classifier.js";
import { noAnswer, pictureSize } from "./classifier.js";

interface Entry {
  readonly pictures: Uint8Array;
  readonly count: number;
  dropped: boolean;
  resolve(probabilities: Float32Array): void;
  reject(reason: unknown): void;
}

/**
 * Gathers the pictures of concurrent requests into batches, where that is faster. Nothing waits for others that may never
 * come: a batch is whatever one turn of the event loop brought, or whatever arrived while the batch before it was computed.
 */
export class BatchQueue {
  readonly #classifier: Classifier;
  readonly #size: number;
  #waiting: Entry[] = [];
  #scheduled = false;
  #busy = false;

  constructor(classifier: Classifier) {
    this.#classifier = classifier;
    this.#size = pictureSize(classifier.shape);
  }

  /**
   * Probabilities of all the pictures given. Many pictures go in as several entries, one after the other, so that a
   * large request does not keep a small one waiting.
   * @throws the signal's reason once it is aborted; pictures that still waited are then never computed
   */
  async run(pictures: Uint8Array, signal: AbortSignal): Promise<Float32Array> {
    const slice = this.#classifier.batch.most * this.#size;
    if (pictures.length <= slice) {
      return this.#enqueue(pictures, signal);
    }
    const classes = this.#classifier.classes.length;
    const all = new Float32Array((pictures.length / this.#size) * classes);
    for (let at = 0; at < pictures.length; at += slice) {
      const some = await this.#enqueue(pictures.subarray(at, at + slice), signal);
      all.set(some, (at / this.#size) * classes);
    }
    return all;
  }

  #enqueue(pictures: Uint8Array, signal: AbortSignal): Promise<Float32Array> {
    return new Promise<Float32Array>((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const drop = (): void => {
        entry.dropped = true;
        reject(signal.reason);
      };
      const entry: Entry = {
        pictures,
        count: pictures.length / this.#size,
        dropped: false,
        resolve: (probabilities) => {
          signal.removeEventListener("abort", drop);
          resolve(probabilities);
        },
        reject: (reason) => {
          signal.removeEventListener("abort", drop);
          reject(reason);
        },
      };
      signal.addEventListener("abort", drop, { once: true });
      this.#waiting.push(entry);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (!this.#scheduled && !this.#busy) {
      this.#scheduled = true;
      // After the sockets that are readable in this turn: their requests join the batch at no cost.
      setImmediate(() => {
        this.#scheduled = false;
        void this.#compute();
      });
    }
  }

  /** Takes entries from the front while they fit together; the first alone where all of them are too few for a batch. */
  #gather(): Entry[] {
    const { fewest, most } = this.#classifier.batch;
    const waiting = this.#waiting.filter(({ dropped }) => !dropped);
    const pictures = waiting.reduce((sum, { count }) => sum + count, 0);
    let room = pictures < fewest ? 1 : most;
    let taken = 0;
    while (taken < waiting.length && (taken === 0 || waiting[taken]!.count <= room)) {
      room -= waiting[taken]!.count;
      taken++;
    }
    this.#waiting = waiting.splice(taken);
    return waiting;
  }

  async #compute(): Promise<void> {
    const batch = this.#gather();
    if (batch.length === 0) {
      return;
    }
    this.#busy = true;
    await this.#answer(batch);
    this.#busy = false;
    if (this.#waiting.length > 0) {
      this.#schedule();
    }
  }

  /** Never rejects: what goes wrong is told to those whose pictures it is about. */
  async #answer(batch: readonly Entry[]): Promise<void> {
    try {
      const pictures = batch.length === 1 ? batch[0]!.pictures : Buffer.concat(batch.map((each) => each.pictures));
      const probabilities = await this.#classifier.predict(pictures);
      const classes = this.#classifier.classes.length;
      let at = 0;
      for (const entry of batch) {
        const own = probabilities.subarray(at, at + entry.count * classes);
        at += own.length;
        if (own.every(Number.isFinite)) {
          entry.resolve(own);
        } else {
          entry.reject(noAnswer());
        }
      }
    } catch (reason) {
      if (batch.length === 1) {
        batch[0]!.reject(reason);
        return;
      }
      // One request's picture may have no answer; those that came at the same moment have theirs.
      for (const entry of batch.filter(({ dropped }) => !dropped)) {
        await this.#answer([entry]);
      }
    }
  }
}
