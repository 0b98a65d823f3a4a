import { isShared } from "./compute.js";
import { Lane, type LaneSpec } from "./lane.js";
import { type Runner, SerialRunner } from "./runner.js";
import type { Shard } from "./shard.js";

export interface RunnerSpec extends LaneSpec {
  readonly shards: readonly Shard[];
  /** As many as are wanted. */
  readonly threads: number;
  /** Told why there is only one, if no others can be had. */
  readonly onOneThread: (reason: string) => void;
}

/** What takes the shards through the network: several threads, or this one alone where there is no use or no room for more. */
export async function openRunner(spec: RunnerSpec): Promise<Runner> {
  const { backend, shards, onOneThread } = spec;
  // A thread more than there are shards would never have anything to do.
  const threads = Math.min(spec.threads, shards.length);
  if (threads === 1 || !isShared(backend)) return new SerialRunner(new Lane(spec), shards);
  const before = backend.bytesUsed;
  const lane = new Lane({ ...spec, breathe: undefined });
  // What the others allocate is what this thread does, so all of it is made now and measured.
  lane.openInference();
  const laneBytes = backend.bytesUsed - before + backend.scratchBytes;
  // Loaded where there are threads: a page of one thread does without.
  const { ThreadedRunner } = await import("./threads/threaded-runner.js");
  const opened = await ThreadedRunner.open({ ...spec, backend, lane, laneBytes, threads });
  if (typeof opened !== "string") return opened;
  onOneThread(opened);
  return new SerialRunner(lane, shards);
}
