import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { StringDecoder } from "node:string_decoder";
import { fileURLToPath } from "node:url";

/** The built command's file. */
export const COMMAND = fileURLToPath(new URL("../bin/cifar.js", import.meta.url));

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

/** The environment of the commands that tests run: without the data and the network of this machine. */
export function environment(changes: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const own = { ...process.env };
  const proxies = ["http_proxy", "https_proxy", "no_proxy"];
  for (const name of Object.keys(own)) {
    if (name === "CIFAR10_DIR" || proxies.includes(name.toLowerCase())) delete own[name];
  }
  return {
    ...own,
    CIFAR_CACHE: "/nonexistent/cifar",
    CIFAR10_URL: "http://127.0.0.1:1/none",
    // What a model file says must not change when someone commits while tests run.
    CIFAR_COMMIT: COMMIT,
    ...changes,
  };
}

/** Starts the built command as users do: in a process of its own. */
export function startCifar(
  words: readonly string[],
  { cwd, env, uid, gid }: Pick<CommandOptions, "cwd" | "env" | "uid" | "gid"> = {},
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [COMMAND, ...words], { cwd, uid, gid, env: environment(env) });
}

/** Runs the built command to its end. */
export function cifar(words: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = startCifar(words, options);
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

/** Runs the built command with a file, given as it is open, in the place of one of its streams. */
export function runTo(
  words: readonly string[],
  { stdout, stderr }: { readonly stdout?: number; readonly stderr?: number },
): Promise<Omit<CommandResult, "bytes">> {
  return new Promise((resolve, reject) => {
    const stdio = ["ignore", stdout ?? "pipe", stderr ?? "pipe"] as const;
    const child = spawn(process.execPath, [COMMAND, ...words], { env: environment(), stdio: [...stdio] });
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name]?.setEncoding("utf8").on("data", (text: string) => {
        said[name] += text;
      });
    }
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, ...said }));
  });
}

/** Lines of JSON as values. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
