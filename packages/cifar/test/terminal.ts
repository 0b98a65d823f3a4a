import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import headless from "@xterm/headless";
import { COMMAND, environment } from "./command.js";

/** What a terminal of so many columns shows of what is written to it: its lines from the first one, without trailing blanks. */
export async function screenOf(written: string, columns: number, rows = 24): Promise<string[]> {
  const terminal = new headless.Terminal({ cols: columns, rows, convertEol: true, allowProposedApi: true });
  await new Promise<void>((resolve) => terminal.write(written, resolve));
  const { active } = terminal.buffer;
  const lines = Array.from({ length: active.length }, (_, row) => active.getLine(row)!.translateToString(true));
  terminal.dispose();
  return lines.join("\n").trimEnd().split("\n");
}

/** Starts a program on a pseudo-terminal of its own, passes on what is typed, and hangs up when its input ends. */
const ON_TERMINAL = `
import fcntl, os, pty, select, struct, sys, termios
columns, words = int(sys.argv[1]), sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.execvp(words[0], words)
while True:
    ready, _, _ = select.select([0, terminal], [], [])
    if terminal in ready:
        try:
            shown = os.read(terminal, 65536)
        except OSError:
            break
        if not shown: break
        os.write(1, shown)
    if 0 in ready:
        typed = os.read(0, 4096)
        if not typed: break
        os.write(terminal, typed)
os.close(terminal)
_, status = os.waitpid(child, 0)
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
`;

/** Whether this machine has what {@link onTerminal} needs. */
export function hasTerminals(): boolean {
  try {
    execFileSync("python3", ["-c", "import pty, fcntl; pty.openpty()"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export interface TerminalSession {
  /** Status of the command, 128 and the signal's number where a signal ended it. */
  readonly status: number | null;
  readonly written: string;
}

/** Runs the built command on a terminal of its own. */
export async function onTerminal(
  words: readonly string[],
  options: {
    readonly columns?: number;
    readonly cwd?: string;
    readonly env?: Readonly<Record<string, string>>;
    /** Called whenever something was written, with all of it so far. */
    readonly onOutput?: (written: string, terminal: { type(keys: string): void; hangUp(): void }) => void;
  } = {},
): Promise<TerminalSession> {
  const { columns = 80, cwd, env, onOutput } = options;
  const child: ChildProcessWithoutNullStreams = spawn(
    "python3",
    ["-c", ON_TERMINAL, String(columns), process.execPath, COMMAND, ...words],
    { cwd, env: environment({ TERM: "xterm", ...env }) },
  );
  let written = "";
  child.stdin.on("error", () => {}); // typed after its end
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    written += text;
    onOutput?.(written, { type: (keys) => child.stdin.write(keys), hangUp: () => child.stdin.end() });
  });
  let trouble = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    trouble += text;
  });
  const [status] = await once(child, "close");
  if (trouble !== "") throw new Error(trouble);
  return { status, written };
}
