import { spawn } from "node:child_process";
import { StringDecoder } from "node:string_decoder";
import { fileURLToPath } from "node:url";

const COMMAND = fileURLToPath(new URL("../bin/cifar.js", import.meta.url));

/** The commit that runs are told they come from. */
export const COMMIT = "0123456789abcdef0123456789abcdef01234567";

/** What a run of the command left behind. */
export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  /** Of stdout, as they came. */
  readonly bytes: Buffer;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: Uint8Array;
  /** Whom the command is run as; root alone may choose. */
  readonly uid?: number;
  readonly gid?: number;
  /** Called with each line of stdout and a way to send a signal. */
  readonly onLine?: (line: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/** Runs the built command as users do: in a process of its own, without the data and the network of this machine. */
export function cifar(words: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { CIFAR10_DIR: _, ...environment } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [COMMAND, ...words], {
      cwd: options.cwd,
      uid: options.uid,
      gid: options.gid,
      env: {
        ...environment,
        CIFAR_CACHE: "/nonexistent/cifar",
        CIFAR10_URL: "http://127.0.0.1:1/none",
        // What a model file says must not change when someone commits while tests run.
        CIFAR_COMMIT: COMMIT,
        ...options.env,
      },
    });
    const chunks: Buffer[] = [];
    const decoder = new StringDecoder("utf8");
    let stdout = "";
    let stderr = "";
    let seen = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      stdout += decoder.write(chunk);
      const lines = stdout.split("\n").slice(0, -1);
      for (const line of lines.slice(seen)) options.onLine?.(line, (signal) => child.kill(signal));
      seen = lines.length;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, stdout, bytes: Buffer.concat(chunks), stderr }));
    // A command that ends without reading its input is no failure of the test.
    child.stdin.on("error", () => {});
    child.stdin.end(options.input);
  });
}

/** Lines of JSON as values. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
