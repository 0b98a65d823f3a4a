import { type ChildProcess, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import type { PrepareRequest, PrepareResponse, Refusal, Request, RunResponse } from "./protocol.js";

/** How to start a contestant. */
export interface ContestantSpec {
  /** As tables name it. */
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** A contestant that said it cannot do the task, or that broke while preparing it. */
export class ContestantRefused extends Error {
  override readonly name = "ContestantRefused";
}

/** A child process under measurement; see protocol.ts. */
export class Contestant {
  readonly spec: ContestantSpec;
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;
  #errors = "";

  constructor(spec: ContestantSpec) {
    this.spec = spec;
    this.#child = spawn(spec.command, spec.arguments, {
      env: { ...process.env, ...spec.environment },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#child.on("error", (error) => {
      this.#errors += error.message;
    });
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-2000);
    });
    // A contestant that dies between two requests must not take the benchmark with it.
    this.#child.stdin?.on("error", () => {});
    this.#lines = createInterface({ input: this.#child.stdout! });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  async prepare(request: PrepareRequest["prepare"]): Promise<PrepareResponse> {
    return (await this.#ask({ prepare: request })) as PrepareResponse;
  }

  async run(iterations: number): Promise<readonly number[]> {
    return ((await this.#ask({ run: { iterations } })) as RunResponse).milliseconds;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  close(): void {
    this.#lines.close();
    this.#child.kill();
  }

  async #ask(request: Request): Promise<PrepareResponse | RunResponse> {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    for (;;) {
      const line = await this.#answers.next();
      if (line.done === true) {
        throw new ContestantRefused(reasonOf(this.#errors));
      }
      // Libraries print banners on stdout; only lines of JSON are answers.
      if (!line.value.startsWith("{")) continue;
      const answer = JSON.parse(line.value) as PrepareResponse | RunResponse | Refusal;
      if ("refused" in answer) throw new ContestantRefused(answer.refused);
      return answer;
    }
  }
}

/** The line of a crash that says what happened: Node ends with its version, Python with the error itself. */
function reasonOf(errors: string): string {
  const lines = errors.trim().split("\n");
  const error = lines.findLast((line) => /^(\w+ )?\[?\w*Error\b/.test(line));
  return error ?? (lines.at(-1) || "its process ended without an answer");
}
