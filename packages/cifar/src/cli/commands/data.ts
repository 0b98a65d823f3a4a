import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { writeBinaryFolder } from "../../dataset/binary-folder.js";
import { loadCifar10 } from "../../dataset/cifar10.js";
import { CIFAR10_FOLDER } from "../../dataset/cifar10-files.js";
import { fetchCifar10 } from "../../dataset/fetch.js";
import { LEFT_OUT } from "../../dataset/folder-layout.js";
import { cacheFolder, holdsBinaryVersion, placeOfCifar10 } from "../../dataset/locate.js";
import { normalisationOf } from "../../dataset/normalisation.js";
import { shapesSplits } from "../../dataset/shapes.js";
import { loadData } from "../../dataset/source.js";
import { columns } from "../format.js";
import { listenForInterrupt } from "../interrupt.js";
import { wholeNumber, withOutputOptions } from "../options.js";
import { Output, type OutputOptions } from "../output.js";
import { DownloadBar } from "../progress.js";

export function addDataCommand(program: Command): void {
  const data = program.command("data").description("fetch, inspect and make data sets");

  const fetch = data.command("fetch").description("download CIFAR-10 into the cache folder, check and unpack it");
  fetch.option("--folder <folder>", "instead of the cache folder");
  withOutputOptions(fetch).action((flags: OutputOptions & { folder?: string }) => fetchData(flags, new Output(flags)));

  const info = data.command("info").description("say where the data are and check them");
  info.option("-d, --data <what>", "as for train");
  withOutputOptions(info).action((flags: OutputOptions & { data?: string }) => describeData(flags, new Output(flags)));

  const drawn = data.command("shapes").description("write the drawn pictures of shapes in CIFAR's binary format");
  drawn
    .requiredOption("-o, --out <folder>", "folder to write")
    .option("--train <n>", "number of training pictures", wholeNumber(1), 10_000)
    .option("--test <n>", "number of test pictures", wholeNumber(1), 2_000)
    .option("-s, --seed <n>", "what the pictures depend on", wholeNumber(0), 0);
  withOutputOptions(drawn).action(async (flags: ShapesFlags) => {
    await writeBinaryFolder(flags.out, shapesSplits(flags));
    const { out, train, test, seed } = flags;
    new Output(flags).result({ folder: out, train, test, seed }, `${out}: ${train} training and ${test} test pictures`);
  });
}

interface ShapesFlags extends OutputOptions {
  readonly out: string;
  readonly train: number;
  readonly test: number;
  readonly seed: number;
}

async function fetchData(flags: { readonly folder?: string }, output: Output): Promise<void> {
  const folder = flags.folder ?? cacheFolder();
  const existing = join(folder, CIFAR10_FOLDER);
  if (holdsBinaryVersion(existing)) {
    await loadCifar10({ directory: existing });
    output.result(
      { directory: existing, fetched: false },
      `${existing}: CIFAR-10 is there already, all files are right`,
    );
    return;
  }
  const interrupt = listenForInterrupt(output, "stopping; what came is kept");
  const bar = new DownloadBar(output);
  try {
    const directory = await fetchCifar10({ folder, onProgress: bar.update, signal: interrupt.signal });
    bar.stop();
    output.result({ directory, fetched: true }, `${directory}: CIFAR-10, all files are right`);
  } finally {
    bar.stop();
    interrupt.release();
  }
}

async function describeData(flags: { readonly data?: string }, output: Output): Promise<void> {
  const directory = flags.data === "shapes" ? undefined : placeOfCifar10(flags.data).directory;
  const leftOut: string[] = [];
  const { train, test } = await loadData(flags.data, {
    download: false,
    onNotice: (line) => {
      if (line.startsWith(LEFT_OUT)) leftOut.push(line);
      output.notice(line);
    },
  });
  const { mean, deviation } = normalisationOf(train);
  const counts = (labels: ArrayLike<number>) => {
    const each = new Array<number>(train.classes.length).fill(0);
    for (let n = 0; n < labels.length; n++) each[labels[n]!]!++;
    return each;
  };
  const [trainCounts, testCounts] = [counts(train.labels), counts(test.labels)];
  const value = {
    directory: directory !== undefined && existsSync(directory) ? directory : null,
    train: train.count,
    test: test.count,
    shape: train.shape,
    classes: train.classes.map((label, index) => ({ label, train: trainCounts[index], test: testCounts[index] })),
    normalisation: { mean, deviation },
    leftOut,
  };
  const rows = train.classes.map((label, index) => [label, String(trainCounts[index]), String(testCounts[index])]);
  output.result(
    value,
    [
      headline(value.directory, leftOut.length > 0),
      columns([["class", "train", "test"], ...rows, ["total", String(train.count), String(test.count)]], [1, 2]),
      `mean ${mean.join(", ")}; deviation ${deviation.join(", ")}`,
    ].join("\n"),
  );
}

/** Claims no more than was checked: a set in CIFAR's format may have fewer files than CIFAR-10, drawn ones none. */
function headline(directory: string | null, someLeftOut: boolean): string {
  if (directory === null) return "shapes: drawn on demand";
  return `${directory}: ${someLeftOut ? "some files are left out, the others" : "all files that are there"} are right`;
}
