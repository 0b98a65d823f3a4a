import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL(".", import.meta.url));
const TOOLS = join(REPOSITORY, "node_modules", ".bin");

/** What vitest tells a global setup of the package whose tests are to run. */
interface Project {
  readonly config: { readonly root: string };
  /** In watch mode, before tests run again. */
  onTestsRerun(build: () => void): void;
}

/**
 * Before any test: builds what the package's tests run of `dist`, its own (threads, commands) and its siblings', so that no
 * test passes on code that is older than its source. Where nothing has changed, that takes the compiler half a second.
 */
export default function setup(project: Project): void {
  build(project.config.root);
  project.onTestsRerun(() => build(project.config.root));
}

/**
 * Builds a package as its own script does, which begins with the packages that it refers to; where it has no `dist` of its
 * own, all of the repository's.
 * @throws Error in one line if it does not build
 */
export function build(folder: string): void {
  const { name, scripts } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    readonly name: string;
    readonly scripts: { readonly build?: string };
  };
  const [command, ...options] = scripts.build?.startsWith("tsc --build")
    ? ["npm", "run", "--silent", "build"]
    : ["tsc", "--build", REPOSITORY];
  try {
    execFileSync(command!, options, {
      cwd: folder,
      encoding: "utf8",
      stdio: "pipe",
      env: { ...process.env, PATH: `${TOOLS}${delimiter}${process.env["PATH"]}` },
    });
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    const [reason] = `${stdout}${stderr}`.split("\n");
    throw new Error(`${name}: its tests would run a dist that is older than src, which does not build: ${reason}`);
  }
}
