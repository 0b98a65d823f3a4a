import { Application } from "../../src/application.ts";
import type { Batch, Classifier } from "../../src/classifier.ts";
import { type Config, readConfig } from "../../src/config.ts";
import { isPictureFile } from "../../src/input/pictures.ts";
import { createLogger, type LogLevel } from "../../src/log.ts";
import { Problem } from "../../src/problem.ts";
import { FunctionServer } from "../../src/server.ts";

export const CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
export const PICTURE_BYTES = 3072;

/** What the network below says of a picture whose first pixel has this much red. */
export function labelFor(red: number): string {
  return CLASSES[red % 10]!;
}

export interface FakeClassifier extends Classifier {
  /** How many pictures each call of `predict` got. */
  readonly calls: number[];
  /** Each call of `predict` waits for it. */
  gate: Promise<void>;
  closed: boolean;
}

/** Stands for a network: the class is the red of the first pixel modulo 10, with a probability of 0.91. */
export function fakeClassifier(
  options: { readonly batch?: Batch; readonly milliseconds?: number } = {},
): FakeClassifier {
  const { batch = { fewest: 2, most: 4 }, milliseconds = 0 } = options;
  return {
    classes: CLASSES,
    shape: [32, 32, 3],
    card: { accuracy: 0.7222, classes: CLASSES, version: "0.0.0" },
    batch,
    calls: [],
    gate: Promise.resolve(),
    closed: false,
    async predict(pictures) {
      const count = pictures.length / PICTURE_BYTES;
      this.calls.push(count);
      await this.gate;
      if (milliseconds > 0) {
        await new Promise((resolve) => setTimeout(resolve, milliseconds));
      }
      const probabilities = new Float32Array(count * CLASSES.length).fill(0.01);
      for (let picture = 0; picture < count; picture++) {
        probabilities[picture * CLASSES.length + (pictures[picture * PICTURE_BYTES]! % 10)] = 0.91;
      }
      return probabilities;
    },
    async close() {
      this.closed = true;
    },
  };
}

/** Stands for the decoder: after PNG's signature comes one byte, the red of the picture's first pixel. */
export async function fakeDecode(file: Uint8Array): Promise<Uint8Array> {
  if (!isPictureFile(file)) {
    throw new Problem("invalid-picture", "This is no picture.");
  }
  return new Uint8Array(PICTURE_BYTES).fill(file[8] ?? 0);
}

/** A file that `fakeDecode` takes. */
export function fakePng(red: number, more = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, red, ...new Array<number>(more).fill(1)]);
}

/** Planes of a picture of one colour. */
export function planes(red: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(PICTURE_BYTES).fill(red, 0, 1024);
}

/** A record of CIFAR's binary version. */
export function record(label: number, red: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([label, ...planes(red)]);
}

export interface RunningFunction {
  readonly url: string;
  readonly port: number;
  readonly application: Application;
  readonly server: FunctionServer;
  readonly classifier: FakeClassifier;
  /** Lines of the log, parsed. */
  readonly lines: Record<string, unknown>[];
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly config?: Partial<Config>;
  readonly classifier?: FakeClassifier;
  /** Default true; false leaves it to the test to hand over the network. */
  readonly loaded?: boolean;
  readonly logLevel?: LogLevel;
}

/** Starts the real server on a free port of this machine, with a network and a decoder that only seem to be ones. */
export async function startFunction(options: StartOptions = {}): Promise<RunningFunction> {
  const { config, classifier = fakeClassifier(), loaded = true, logLevel = "debug" } = options;
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger(logLevel, (line) => lines.push(JSON.parse(line)));
  const application = new Application({ config: { ...readConfig({}), ...config }, logger, decode: fakeDecode });
  if (loaded) {
    application.use(classifier);
  }
  const server = new FunctionServer(application);
  const port = await server.listen(0, "127.0.0.1");
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    application,
    server,
    classifier,
    lines,
    stop: () => server.stop(0),
  };
}

/** The answer's body if it is a well-formed refusal of this status (RFC 9457), else an error that says what it is. */
export async function problemOf(response: Response, status: number): Promise<{ type: string; detail: string }> {
  const text = await response.text();
  if (response.status !== status || response.headers.get("content-type") !== "application/problem+json") {
    throw new Error(`expected a problem of status ${status}, got ${response.status}: ${text}`);
  }
  const problem = JSON.parse(text);
  if (problem.status !== status || !problem.type.startsWith("urn:cifar:problem:") || problem.detail.length < 10) {
    throw new Error(`not a well-formed problem: ${text}`);
  }
  return problem;
}
