import type { WasmInferenceBackend } from "@cifar/tensor";
import type { InferRequest, TrainRequest } from "../runner.js";

/*
 * Through what threads agree: a few words of the shared memory. The first thread writes a command and raises `TURN`, which
 * wakes the others; all of them then claim shards one by one from `NEXT` until none is left, and the others count
 * themselves in `DONE`, as they do when they have started.
 */
const TURN = 0;
const NEXT = 1;
const COUNT = 2;
const DONE = 3;
const COMMAND = 4;
const WORDS = 8;

const SEED = 0;
const STEP = 1;
const SCALE = 2;
const DROPOUT_SCALE = 3;
const SET = 4;
const VERSION = 5;
const NUMBERS = 8;

/** What the threads are to do with the shards. */
export type Command = "train" | "infer";

/** How long a thread waits before it looks again whether all is well, in milliseconds. */
const PATIENCE = 100;

/** The words through which the threads of one run agree. */
export class Control {
  /** Where they lie, for the other threads. */
  readonly address: number;
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;

  /** @param address left out on the thread that makes them */
  constructor(backend: WasmInferenceBackend, address?: number) {
    const size = WORDS + 2 * NUMBERS;
    this.address = address ?? backend.reserve(size * Int32Array.BYTES_PER_ELEMENT).start;
    const { buffer } = backend.memory;
    this.#words = new Int32Array(buffer, this.address, WORDS);
    this.#numbers = new Float64Array(buffer, this.address + WORDS * Int32Array.BYTES_PER_ELEMENT, NUMBERS);
  }

  get command(): Command {
    return this.#words[COMMAND] === 0 ? "train" : "infer";
  }

  readTraining(): TrainRequest {
    const numbers = this.#numbers;
    return {
      seed: numbers[SEED]!,
      step: numbers[STEP]!,
      scale: numbers[SCALE]!,
      dropoutScale: numbers[DROPOUT_SCALE]!,
    };
  }

  readInference(): InferRequest {
    return { shards: this.#words[COUNT]!, set: this.#numbers[SET]!, version: this.#numbers[VERSION]! };
  }

  startTraining(shards: number, request: TrainRequest): void {
    const numbers = this.#numbers;
    numbers[SEED] = request.seed;
    numbers[STEP] = request.step;
    numbers[SCALE] = request.scale;
    numbers[DROPOUT_SCALE] = request.dropoutScale;
    this.#start(0, shards);
  }

  startInference(request: InferRequest): void {
    this.#numbers[SET] = request.set;
    this.#numbers[VERSION] = request.version;
    this.#start(1, request.shards);
  }

  #start(command: number, shards: number): void {
    this.#words[COMMAND] = command;
    this.#words[COUNT] = shards;
    this.#words[NEXT] = 0;
    this.#words[DONE] = 0;
    Atomics.add(this.#words, TURN, 1);
    Atomics.notify(this.#words, TURN);
  }

  /** Index of a shard that nobody has claimed yet, undefined if there is none left. */
  claim(): number | undefined {
    const index = Atomics.add(this.#words, NEXT, 1);
    return index < this.#words[COUNT]! ? index : undefined;
  }

  /** Blocks until there is a turn after `turn`, and says which. */
  awaitTurn(turn: number): number {
    while (Atomics.load(this.#words, TURN) === turn) Atomics.wait(this.#words, TURN, turn);
    return Atomics.load(this.#words, TURN);
  }

  /** Counts this thread as one that has finished the turn. */
  finish(): void {
    Atomics.add(this.#words, DONE, 1);
    Atomics.notify(this.#words, DONE);
  }

  /** Threads that have finished the turn. */
  get finished(): number {
    return Atomics.load(this.#words, DONE);
  }

  /** Waits, without blocking, until another thread finishes or some time has passed; undefined where that cannot be done. */
  awaitFinish(finished: number): Promise<unknown> | undefined {
    if (typeof Atomics.waitAsync !== "function") return undefined;
    const wait = Atomics.waitAsync(this.#words, DONE, finished, PATIENCE);
    return wait.async ? wait.value : Promise.resolve();
  }

  /** Wakes whoever waits for the others. */
  alarm(): void {
    Atomics.notify(this.#words, DONE);
  }
}
