import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What `cifar train` is told. */
export interface TrainingOrder {
  readonly recipe: string;
  readonly seed: number;
  /** Flags and their values, instead of what the recipe says. */
  readonly changes?: Readonly<Record<string, string | number>>;
}

/** What came of it. */
export interface TrainingOutcome {
  /** On the test pictures, 0 to 1. */
  readonly testAccuracy: number;
  /** With mirror images averaged in. */
  readonly flipAveraged: number;
  /** Duration of the epochs. */
  readonly trainingSeconds: number;
  /** From the start of the process to its end. */
  readonly seconds: number;
  /** SHA-256 over the weights. */
  readonly digest: string;
}

const BIN = fileURLToPath(new URL("bin/cifar.js", import.meta.resolve("@cifar/cifar/package.json")));

/**
 * Trains as a user would, by `cifar train` in a process of its own.
 * @throws Error with what the command said on stderr
 */
export async function trainRecipe({ recipe, seed, changes = {} }: TrainingOrder): Promise<TrainingOutcome> {
  const folder = await mkdtemp(join(tmpdir(), "cifar-bench-recipe-"));
  const out = join(folder, "run");
  const flags = Object.entries(changes).flatMap(([name, value]) => [`--${name}`, String(value)]);
  try {
    const start = performance.now();
    const words = [BIN, "train", "--recipe", recipe, "--seed", String(seed), ...flags, "--out", out, "--quiet"];
    const child = spawn(process.execPath, words, { stdio: ["ignore", "ignore", "pipe"] });
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint += text;
    });
    const [status] = await once(child, "close");
    if (status !== 0) throw new Error(`cifar train --recipe ${recipe}: ${complaint.trim()}`);
    const seconds = (performance.now() - start) / 1000;
    return { ...(await readOutcome(join(out, "log.jsonl"))), seconds };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function readOutcome(log: string): Promise<Omit<TrainingOutcome, "seconds">> {
  const lines = (await readFile(log, "utf8")).trim().split("\n");
  const events = lines.map((line): Record<string, unknown> => JSON.parse(line));
  const epochs = events.filter(({ type }) => type === "epoch");
  const { testAccuracy, flipAveraged, digest } = events.at(-1) ?? {};
  return {
    testAccuracy: Number(testAccuracy),
    flipAveraged: Number(flipAveraged),
    trainingSeconds: epochs.reduce((sum, epoch) => sum + Number(epoch["seconds"]), 0),
    digest: String(digest),
  };
}
