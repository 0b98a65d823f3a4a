import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The repository's root, without a slash at its end. */
export const ROOT = fileURLToPath(new URL("../../../", import.meta.url)).replace(/[\\/]$/, "");

/** What a process left behind. */
export interface RunResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The environment of a machine without the data set and without a network. */
export function bareEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { CIFAR10_DIR: _, NODE_OPTIONS: __, ...environment } = process.env;
  return { ...environment, CIFAR_CACHE: "/nonexistent/cifar", CIFAR10_URL: "http://127.0.0.1:1/none", ...extra };
}

/** Runs a program to its end; whatever it started in the background is ended too. */
export function run(program: string, words: readonly string[], { cwd, env = {} }: RunOptions): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      cwd,
      env: bareEnvironment(env),
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const [stdout, stderr]: [string[], string[]] = [[], []];
    child.stdout.setEncoding("utf8").on("data", (text: string) => stdout.push(text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => stderr.push(text));
    child.on("error", reject);
    // What still runs in the background holds the pipes open, so it has to end before "close" comes.
    child.on("exit", () => endGroup(child.pid));
    child.on("close", (status) => resolve({ status, stdout: stdout.join(""), stderr: stderr.join("") }));
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // Nothing of the group is left.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
