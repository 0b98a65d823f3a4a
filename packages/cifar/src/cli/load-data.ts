import type { DataSplits } from "../dataset/cifar10.js";
import { loadData } from "../dataset/source.js";
import { CifarError } from "../errors.js";
import type { Interrupt } from "./interrupt.js";
import type { Output } from "./output.js";
import { DownloadBar } from "./progress.js";

/** Data by what was written after `--data`, fetched with a bar where they have to be. */
export async function loadWithBar(
  data: string | undefined,
  { output, interrupt, ...connection }: { output: Output; interrupt: Interrupt; attempts?: number },
): Promise<DataSplits> {
  const bar = new DownloadBar(output);
  try {
    return await loadData(data, {
      download: { ...connection, onProgress: bar.update, signal: interrupt.signal },
      onNotice: (line) => output.noticeOnce(line),
    });
  } finally {
    bar.stop();
  }
}

/** The same for commands that cannot do without CIFAR-10: where it is not to be had, the error says what else there is. */
export async function loadOrAdvise(
  data: string | undefined,
  how: { output: Output; interrupt: Interrupt },
): Promise<DataSplits> {
  try {
    return await loadWithBar(data, how);
  } catch (error) {
    if (!isUnobtainable(error)) throw error;
    throw new CifarError(
      error.code,
      `no CIFAR-10 here and none to be had: set CIFAR10_DIR to the folder of its binary version, or take drawn pictures by ` +
        `--data shapes (${error.message})`,
      { cause: error.cause },
    );
  }
}

/** Whether CIFAR-10 is neither here nor can be fetched; data that are there but wrong are another matter. */
export function isUnobtainable(error: unknown): error is CifarError {
  return error instanceof CifarError && (error.code === "DOWNLOAD_FAILED" || error.code === "CANNOT_WRITE");
}
