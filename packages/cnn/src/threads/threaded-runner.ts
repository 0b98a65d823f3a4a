import { TensorError, type WasmInferenceBackend } from "@cifar/tensor";
import { breathe } from "#platform";
import { startThread, type Thread, whyNoRoom } from "#start";
import { CnnError } from "../errors.js";
import type { Lane, LaneSpec } from "../lane.js";
import type { InferRequest, Runner, TrainRequest } from "../runner.js";
import type { Shard } from "../shard.js";
import { Control } from "./control.js";
import { placeShard, placeTensor, type ThreadStart, takePart } from "./thread.js";

/** Room for what threads align and round up. */
const SPARE_BYTES = 1 << 20;

/** How long threads may take to start, in milliseconds: one that neither starts nor says why not is given up. */
const START_PATIENCE = 30_000;

/** What a threaded runner works with: a backend whose memory is shared. */
export interface ThreadedRunnerSpec extends LaneSpec {
  readonly backend: WasmInferenceBackend;
  readonly shards: readonly Shard[];
  /** That of this thread. */
  readonly lane: Lane;
  /** What it takes of the memory: the others take as much. */
  readonly laneBytes: number;
  /** At least 2, this one counted. */
  readonly threads: number;
}

/**
 * Several threads over one shared memory. This thread is one of them; the others sleep between the turns. Each takes whole
 * shards, whose results do not depend on who computed them, and all meet once a turn.
 */
export class ThreadedRunner implements Runner {
  readonly threads: number;
  readonly #control: Control;
  readonly #lane: Lane;
  readonly #shards: readonly Shard[];
  readonly #others: Thread[] = [];
  /** The thread that has ended first, and why. */
  #ended: { readonly index: number; readonly reason: string } | undefined;
  #closed = false;

  /** Starts the threads and waits until all are there; else says in one clause why they are not, and none is left. */
  static async open(spec: ThreadedRunnerSpec): Promise<ThreadedRunner | string> {
    const refusal = whyNoRoom(spec.threads - 1);
    if (refusal !== undefined) return refusal;
    let runner: ThreadedRunner | undefined;
    try {
      runner = new ThreadedRunner(spec);
      runner.#startOthers(spec);
      await runner.#meet(START_PATIENCE);
      return runner;
    } catch (error) {
      runner?.close();
      // What the memory has no room for on several threads may fit on one.
      if (error instanceof TensorError && error.code === "OUT_OF_MEMORY") return error.message;
      if (!(error instanceof CnnError && error.code === "WORKER_FAILED")) throw error;
      const ended = runner === undefined ? undefined : runner.#ended;
      return ended === undefined ? error.message : ended.reason;
    }
  }

  private constructor({ backend, lane, shards, threads }: ThreadedRunnerSpec) {
    this.threads = threads;
    this.#lane = lane;
    this.#shards = shards;
    this.#control = new Control(backend);
  }

  #startOthers(spec: ThreadedRunnerSpec): void {
    const { placed, backend, batch, sets, shards, training, laneBytes, threads } = spec;
    const common = {
      memory: backend.memory,
      vectors: backend.vectors,
      control: this.#control.address,
      placed,
      batch,
      sets: sets.map((set) => set.map(placeTensor)),
      shards: shards.map(placeShard),
      training: training && { labelSmoothing: training.labelSmoothing },
    };
    const regions = Array.from({ length: threads - 1 }, () => backend.reserve(laneBytes + SPARE_BYTES));
    for (const [index, region] of regions.entries()) {
      const start: ThreadStart = { ...common, region };
      this.#others.push(startThread(start, (reason) => this.#end(index + 1, reason)));
    }
  }

  async train(request: TrainRequest): Promise<void> {
    this.#control.startTraining(this.#shards.length, request);
    await this.#takeTurn();
  }

  async infer(request: InferRequest): Promise<void> {
    this.#control.startInference(request);
    await this.#takeTurn();
  }

  firstNonFinite(shard: Shard): Promise<number | undefined> {
    return this.#lane.firstNonFinite(shard);
  }

  close(): void {
    this.#closed = true;
    for (const thread of this.#others) thread.close();
  }

  async #takeTurn(): Promise<void> {
    takePart({ control: this.#control, lane: this.#lane, shards: this.#shards });
    await this.#meet();
  }

  /** Waits until every other thread has finished the turn, the first of which is to start. */
  async #meet(patience = Number.POSITIVE_INFINITY): Promise<void> {
    const control = this.#control;
    const begun = performance.now();
    for (const thread of this.#others) thread.hold();
    for (let { finished } = control; finished < this.#others.length; finished = control.finished) {
      if (this.#ended !== undefined) {
        const { index, reason } = this.#ended;
        throw new CnnError("WORKER_FAILED", `thread ${index} of ${this.threads} has ended: ${reason}`);
      }
      if (performance.now() - begun > patience) {
        throw new CnnError("WORKER_FAILED", `the threads have not started within ${patience / 1000} s`);
      }
      await (control.awaitFinish(finished) ?? breathe());
    }
    for (const thread of this.#others) thread.release();
  }

  #end(index: number, reason: string): void {
    if (this.#closed) return;
    this.#ended ??= { index, reason };
    this.#control.alarm();
  }
}
