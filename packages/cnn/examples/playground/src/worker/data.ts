import {
  CIFAR10_CLASSES,
  CIFAR10_TEST_FILE,
  CIFAR10_TRAIN_FILES,
  CifarError,
  checkRecords,
  datasetOfRecords,
  normalisationOf,
  shapes,
} from "@cifar/cifar/browser";
import { type Dataset, type Normalisation, subset } from "@cifar/cnn";

/** What is trained on and measured with. */
export interface Data {
  readonly name: string;
  readonly train: Dataset;
  readonly test: Dataset;
  readonly normalisation: Normalisation;
}

/** Part of the training pictures that stands in for test pictures where there are none. */
const HELD_OUT = 0.1;

/** @throws CifarError INVALID_ARGUMENT */
export function drawShapes(count: { readonly train: number; readonly test: number }): Data {
  const train = shapes({ count: count.train });
  return {
    name: "shapes",
    train,
    test: shapes({ count: count.test, part: "test" }),
    normalisation: normalisationOf(train),
  };
}

/**
 * Reads files of CIFAR-10's binary version as the user has them: some or all of the training files, with or without the
 * test file.
 * @throws CifarError INVALID_DATA naming the file
 */
export async function readCifarFiles(files: readonly File[]): Promise<Data> {
  const chosen = new Map(files.map((file) => [file.name, file]));
  const read = async (name: string): Promise<Uint8Array[]> => {
    const file = chosen.get(name);
    return file === undefined ? [] : [checkRecords(name, new Uint8Array(await file.arrayBuffer()))];
  };
  const training = (await Promise.all(CIFAR10_TRAIN_FILES.map(({ name }) => read(name)))).flat();
  const testing = await read(CIFAR10_TEST_FILE.name);
  if (training.length === 0) {
    const names = `${CIFAR10_TRAIN_FILES[0]!.name} to ${CIFAR10_TRAIN_FILES.at(-1)!.name}`;
    throw new CifarError("INVALID_DATA", `there is no file to train on: choose some of ${names} as well`);
  }
  const whole = datasetOfRecords("CIFAR-10 train", CIFAR10_CLASSES, training);
  const kept = testing.length === 0 ? Math.ceil(whole.count * (1 - HELD_OUT)) : whole.count;
  const train = subset(whole, 0, kept);
  return {
    name: "CIFAR-10",
    train,
    test:
      testing.length === 0
        ? subset(whole, kept, whole.count)
        : datasetOfRecords("CIFAR-10 test", CIFAR10_CLASSES, testing),
    normalisation: normalisationOf(train),
  };
}

/** The first test picture of each class. */
export function samplesOf({ test }: Data): { readonly label: string; readonly picture: Uint8Array }[] {
  return test.classes.flatMap((label, index) => {
    const first = test.labels.indexOf(index);
    return first < 0 ? [] : [{ label, picture: subset(test, first, first + 1).images.slice() }];
  });
}
