import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));

/** Where real CIFAR-10 is on this machine, for the tests that need it; undefined where it is not. */
export const cifar10Directory: string | undefined = [
  process.env["CIFAR10_DIR"],
  join(REPOSITORY, "..", "shared", "cifar10", "cifar-10-batches-bin"),
].find((directory) => directory && existsSync(join(directory, "test_batch.bin")));
