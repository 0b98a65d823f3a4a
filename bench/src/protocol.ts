/**
 * How the benchmark talks to what it measures. Every contestant, ours included, is a child process that reads one JSON
 * request a line on stdin and answers each with one JSON line on stdout, so that contestants in different Nodes or in
 * Python are timed alike and in turn.
 */
export type Task = "train" | "infer";

/** Sets up a network and runs it once. */
export interface PrepareRequest {
  readonly prepare: {
    readonly task: Task;
    readonly batch: number;
    readonly threads: number;
    /** Safetensors with the weights under PyTorch's names and layouts. */
    readonly weights: string;
    /** The same network as ONNX. */
    readonly onnx: string;
    /** Safetensors: `pixels` [batch, 32, 32, 3] uint8, the same as `input` [batch, 3, 32, 32] normalised, `labels` [batch] int32. */
    readonly input: string;
  };
}

/** Times `iterations` runs, one after the other. */
interface RunRequest {
  readonly run: { readonly iterations: number };
}

export type Request = PrepareRequest | RunRequest;

export interface PrepareResponse {
  /** What really runs, with versions. */
  readonly description: string;
  /** infer: probabilities [batch × 10]; train: the losses of the first two steps, without dropout. */
  readonly output: readonly number[];
}

export interface RunResponse {
  readonly milliseconds: readonly number[];
}

/** The contestant cannot do this task; one line that says why. */
export interface Refusal {
  readonly refused: string;
}
