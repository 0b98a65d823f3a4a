import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** PyTorch of this machine, if there is one, and where it finds the package `safetensors`. */
export const pythonWithTorch = ["python3", "/usr/bin/python3"].map(find).find((found) => found !== undefined);

/** For a test's name. */
export const WITHOUT_TORCH =
  pythonWithTorch === undefined ? " (skipped: neither python3 nor /usr/bin/python3 has PyTorch)" : "";

function find(python: string): { readonly python: string; readonly env: Readonly<Record<string, string>> } | undefined {
  const imports = (module: string): boolean => {
    try {
      execFileSync(python, ["-c", `import ${module}`], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  };
  if (!imports("torch")) return undefined;
  // Distributions have PyTorch but not always safetensors: its one function that is used has a stand-in here.
  const standIn = fileURLToPath(new URL("./python", import.meta.url));
  return { python, env: imports("safetensors.torch") ? {} : { PYTHONPATH: standIn, PYTHONDONTWRITEBYTECODE: "1" } };
}
