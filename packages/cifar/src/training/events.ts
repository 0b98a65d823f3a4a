/** What happens in a run, as `cifar train --json` prints it and `log.jsonl` keeps it: one object a line. */
export type RunEvent = RunStart | RunStep | RunEpoch | RunCheckpoint | RunTest | RunStop | RunEnd;

export interface RunStart {
  readonly type: "start";
  readonly recipe: string;
  readonly seed: number;
  readonly data: { readonly name: string; readonly train: number; readonly validation: number; readonly test: number };
  /** Of the whole run. */
  readonly steps: number;
  readonly stepsPerEpoch: number;
  /** Already made, above 0 where a run goes on. */
  readonly step: number;
  readonly parameters: number;
  readonly backend: string;
  readonly threads: number;
  readonly folder: string;
}

export interface RunStep {
  readonly type: "step";
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly learningRate: number;
  readonly imagesPerSecond: number;
}

export interface RunEpoch {
  readonly type: "epoch";
  readonly epoch: number;
  readonly step: number;
  readonly trainLoss: number;
  readonly validationLoss?: number;
  /** 0 to 1. */
  readonly validationAccuracy?: number;
  readonly imagesPerSecond: number;
  readonly seconds: number;
}

interface RunCheckpoint {
  readonly type: "checkpoint";
  readonly step: number;
  readonly file: string;
}

/** Training is done, the test begins. */
interface RunTest {
  readonly type: "test";
  /** Pictures. */
  readonly total: number;
}

/** Ended early on request; the run goes on from `checkpoint`. */
interface RunStop {
  readonly type: "stop";
  readonly step: number;
  readonly epoch: number;
  readonly checkpoint: string;
}

interface RunEnd {
  readonly type: "end";
  /** 0 to 1. */
  readonly testAccuracy: number;
  /** 95 % interval of it, by Wilson's formula. */
  readonly interval: readonly [number, number];
  /** Accuracy when each picture is seen mirrored too: beside the test accuracy, never instead of it. */
  readonly flipAveraged: number;
  /** Expected calibration error of the model's probabilities on the test pictures, 0 to 1. */
  readonly calibrationError: number;
  /** From the start to here, test included. */
  readonly seconds: number;
  /** Path of the model file. */
  readonly model: string;
  /** SHA-256 over the weights. */
  readonly digest: string;
  /** Path of the report. */
  readonly report: string;
}

/**
 * Events from the text of a `log.jsonl`; lines that a crash has cut are passed over.
 * @param upTo last step to keep: what came after it will happen again
 */
export function readLog(text: string, upTo: number): RunEvent[] {
  const events: RunEvent[] = [];
  for (const line of text.split("\n")) {
    const event = parseEvent(line);
    if (event !== undefined && (!("step" in event) || event.type === "start" || event.step <= upTo)) events.push(event);
  }
  return events.filter((event) => event.type !== "end" && event.type !== "test");
}

function parseEvent(line: string): RunEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const known = typeof value === "object" && value !== null && "type" in value;
    return known ? (value as RunEvent) : undefined; // the log is this program's own
  } catch {
    return undefined;
  }
}
