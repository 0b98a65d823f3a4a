import type { Normalisation } from "@cifar/cnn";

/** The classes of CIFAR-10 in the order of their labels. */
export const CIFAR10_CLASSES: readonly string[] = [
  "airplane",
  "automobile",
  "bird",
  "cat",
  "deer",
  "dog",
  "frog",
  "horse",
  "ship",
  "truck",
];

/** What training pictures are normalised with: the usual figures for CIFAR-10's red, green and blue. */
export const CIFAR10_NORMALISATION: Normalisation = {
  mean: [0.4914, 0.4822, 0.4465],
  deviation: [0.2023, 0.1994, 0.201],
};

/** A file of the data set and how it is recognised. */
export interface DataFile {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

const BATCH_BYTES = 30_730_000;

/** The five files of training pictures of the official binary version, 10,000 in each. */
export const CIFAR10_TRAIN_FILES: readonly DataFile[] = [
  "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
  "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
  "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
  "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
  "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
].map((sha256, index) => ({ name: `data_batch_${index + 1}.bin`, size: BATCH_BYTES, sha256 }));

/** The file of the 10,000 test pictures. */
export const CIFAR10_TEST_FILE: DataFile = {
  name: "test_batch.bin",
  size: BATCH_BYTES,
  sha256: "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
};

/** The files of the binary version, as errors name them. */
export const CIFAR10_BINARY_VERSION = `${CIFAR10_TRAIN_FILES[0]!.name} and the other files of CIFAR-10's binary version`;

/** Name of the folder that the archive holds. */
export const CIFAR10_FOLDER = "cifar-10-batches-bin";

/** The official archive of the binary version. */
export const CIFAR10_ARCHIVE = {
  url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
  sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
  size: 170_052_171,
} as const;
