import type { WasmInferenceBackend } from "@cifar/tensor";
import { breathe, startThread, type Thread } from "#platform";
import { CnnError } from "../errors.js";
import { Lane } from "../lane.js";
import type { InferRequest, Runner, RunnerSpec, TrainRequest } from "../runner.js";
import type { Shard } from "../shard.js";
import { Control } from "./control.js";
import { placeShard, placeTensor, type ThreadStart, takePart } from "./thread.js";

/** Room for what threads align and round up. */
const SPARE_BYTES = 1 << 20;

/** What a threaded runner works with: a backend whose memory is shared. */
export interface ThreadedRunnerSpec extends RunnerSpec {
  readonly backend: WasmInferenceBackend;
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
  readonly #others: readonly Thread[];
  #failure: CnnError | undefined;
  #closed = false;

  constructor(spec: ThreadedRunnerSpec) {
    const { placed, backend, batch, sets, shards, training, threads } = spec;
    this.threads = threads;
    this.#shards = shards;
    const before = backend.bytesUsed;
    this.#lane = new Lane(spec);
    // What the others allocate is what this thread does, so all of it is made now and measured.
    this.#lane.openInference();
    const bytes = backend.bytesUsed - before + backend.scratchBytes + SPARE_BYTES;
    this.#control = new Control(backend);
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
    const regions = Array.from({ length: threads - 1 }, () => backend.reserve(bytes));
    this.#others = regions.map((region, index) => {
      const start: ThreadStart = { ...common, region };
      return startThread(start, (reason) => this.#fail(index + 1, reason));
    });
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
    const control = this.#control;
    for (const thread of this.#others) thread.hold();
    takePart({ control, lane: this.#lane, shards: this.#shards });
    for (let { finished } = control; finished < this.#others.length; finished = control.finished) {
      if (this.#failure !== undefined) throw this.#failure;
      await (control.awaitFinish(finished) ?? breathe());
    }
    for (const thread of this.#others) thread.release();
  }

  #fail(index: number, reason: string): void {
    if (this.#closed) return;
    this.#failure ??= new CnnError("WORKER_FAILED", `thread ${index} of ${this.threads} has ended: ${reason}`);
    this.#control.alarm();
  }
}
