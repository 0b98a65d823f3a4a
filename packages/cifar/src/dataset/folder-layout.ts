import { join, relative } from "node:path";
import { CifarError } from "../errors.js";
import { counted, entriesOf, namesOf, placeOf } from "./folder-entries.js";

/** Begins every line about files that are not taken. */
export const LEFT_OUT = "left out: ";

/** Names of the folders above the classes, in small letters, the first that is there being taken. */
const TRAIN_NAMES = ["train", "training"];
const TEST_NAMES = ["test", "testing", "val", "valid", "validation"];

/** One picture in this many becomes a test picture where a folder does not say which ones are. */
const TEST_EVERY = 5;

/** A folder with more subfolders than this is no folder of classes but some other one; each class is an output. */
const MOST_CLASSES = 4096;

const EXPECTED =
  "expected at least 2 subfolders, one a class, with PNG or JPEG pictures in them, " +
  "or the folders train and test with such subfolders";

/** A picture and the class that its folder says. */
export interface Labelled {
  readonly path: string;
  /** The path below the folder that was given. */
  readonly file: string;
  readonly label: number;
}

/** Which pictures are what. */
export interface Layout {
  readonly classes: readonly string[];
  readonly train: readonly Labelled[];
  readonly test: readonly Labelled[];
}

/** True if a folder has subfolders with pictures, or a folder such as `train` with such subfolders. */
export async function holdsPictureFolders(directory: string): Promise<boolean> {
  return (await findSplit(directory)).train !== undefined || holdsClasses(directory);
}

/** True if there are pictures in a subfolder. */
async function holdsClasses(directory: string): Promise<boolean> {
  for (const name of (await entriesOf(directory)).folders) {
    if ((await entriesOf(join(directory, name))).pictures.length > 0) return true;
  }
  return false;
}

/** What a folder holds, for the message where it is not what was expected. */
export async function describeFolder(directory: string): Promise<string> {
  const { folders, pictures } = await entriesOf(directory);
  const parts = [
    ...(pictures.length > 0 ? [`${counted(pictures.length, "picture")} in no subfolder`] : []),
    ...(folders.length > 0 ? [`${counted(folders.length, "subfolder")} (${namesOf(folders)})`] : []),
  ];
  return parts.join(" and ") || "nothing of that kind";
}

/**
 * Finds the classes of a folder and their pictures; links are followed.
 * @param onNotice gets a line for whatever is left out, and for each class with too few pictures
 * @throws CifarError NOT_FOUND; INVALID_DATA saying which layout was expected and what was found
 */
export async function layoutOf(directory: string, onNotice: (line: string) => void): Promise<Layout> {
  const reader = new LayoutReader(directory, onNotice);
  const { train, test, others } = await findSplit(directory);
  if (train === undefined) {
    return reader.splitByCounting(await reader.classesIn(directory));
  }
  const taken = test === undefined ? train : `${train} and ${test}`;
  for (const path of others) onNotice(`${LEFT_OUT}${path}: the pictures of ${taken} are taken`);
  const classes = await reader.classesIn(train);
  if (test !== undefined) return reader.splitByFolder(classes, { train, test });
  onNotice(`${directory}: no folder ${TEST_NAMES.join(", ")} beside ${train}: some of its pictures are test pictures`);
  return reader.splitByCounting(classes);
}

/** The folders above the classes where there are such, and what lies beside them. */
async function findSplit(
  directory: string,
): Promise<{ readonly train?: string; readonly test?: string; readonly others: readonly string[] }> {
  const { folders } = await entriesOf(directory);
  const named = (names: readonly string[]) =>
    names.flatMap((name) => folders.filter((folder) => folder.toLowerCase() === name));
  const [train] = named(TRAIN_NAMES);
  // A class may be called train, too.
  if (train === undefined || !(await holdsClasses(join(directory, train)))) return { others: [] };
  const tests = named(TEST_NAMES);
  // Contests give a folder test without classes beside one that has them.
  let test = tests[0];
  for (const name of [...tests].reverse()) if (await holdsClasses(join(directory, name))) test = name;
  return {
    train: join(directory, train),
    ...(test !== undefined && { test: join(directory, test) }),
    others: folders.filter((name) => name !== train && name !== test).map((name) => join(directory, name)),
  };
}

/** The folder of one class. */
interface ClassFolder {
  readonly name: string;
  readonly path: string;
  /** Names of files. */
  readonly pictures: readonly string[];
}

class LayoutReader {
  readonly #directory: string;
  readonly #onNotice: (line: string) => void;

  constructor(directory: string, onNotice: (line: string) => void) {
    this.#directory = directory;
    this.#onNotice = onNotice;
  }

  /** The subfolders with pictures: empty ones are no classes, and one that is there under two names is one class. */
  async classesIn(root: string): Promise<readonly ClassFolder[]> {
    const { folders, pictures } = await entriesOf(root);
    if (folders.length > MOST_CLASSES) {
      throw new CifarError(
        "INVALID_DATA",
        `${root}: expected at most ${MOST_CLASSES} subfolders, one a class, found ${folders.length}`,
      );
    }
    if (pictures.length > 0) {
      this.#leaveOut(root, `${counted(pictures.length, "picture")} beside the subfolders, which are the classes`);
    }
    const seen = new Map<string, string>();
    const classes: ClassFolder[] = [];
    for (const name of folders) {
      const path = join(root, name);
      const place = await placeOf(path);
      const other = seen.get(place);
      if (other !== undefined) {
        this.#leaveOut(path, `it is the same folder as ${other}`);
        continue;
      }
      seen.set(place, path);
      const found = await this.#picturesIn(path);
      if (found.length > 0) classes.push({ name, path, pictures: found });
    }
    return classes;
  }

  /** Of each class every fifth picture, by name, is a test picture, and of fewer the last one. */
  splitByCounting(classes: readonly ClassFolder[]): Layout {
    this.#checkClasses(classes);
    const split: { train: Labelled[]; test: Labelled[] } = { train: [], test: [] };
    const namesWith = (fits: (count: number) => boolean) =>
      classes.filter(({ pictures }) => fits(pictures.length)).map(({ name }) => name);
    const [few, single] = [namesWith((count) => count > 1 && count < TEST_EVERY), namesWith((count) => count === 1)];
    if (few.length > 0) {
      this.#notice(`fewer than ${TEST_EVERY} pictures of ${namesOf(few)}: the last one of each is its test picture`);
    }
    if (single.length > 0) this.#notice(`only one picture of ${namesOf(single)}: not tested`);
    for (const [label, { path, pictures }] of classes.entries()) {
      const last = pictures.length > 1 && pictures.length < TEST_EVERY ? pictures.length - 1 : undefined;
      for (const [index, picture] of this.#labelled(path, pictures, label).entries()) {
        const tests = index % TEST_EVERY === TEST_EVERY - 1 || index === last;
        (tests ? split.test : split.train).push(picture);
      }
    }
    return { classes: classes.map(({ name }) => name), ...split };
  }

  /** The classes are those of the training pictures. */
  async splitByFolder(
    classes: readonly ClassFolder[],
    { train, test }: { readonly train: string; readonly test: string },
  ): Promise<Layout> {
    this.#checkClasses(classes);
    if ((await placeOf(train)) === (await placeOf(test))) {
      throw new CifarError(
        "INVALID_DATA",
        `${test}: expected other pictures than those of ${train}, found the same folder`,
      );
    }
    const tested: Labelled[] = [];
    const missing = new Set(classes.map(({ name }) => name));
    for (const { name, path, pictures } of await this.classesIn(test)) {
      const label = labelOf(name, classes);
      if (label === undefined) {
        this.#leaveOut(path, `${train} has no class of that name with pictures`);
        continue;
      }
      missing.delete(classes[label]!.name);
      tested.push(...this.#labelled(path, pictures, label));
    }
    if (tested.length === 0) {
      const names = namesOf(classes.map(({ name }) => name));
      throw new CifarError(
        "INVALID_DATA",
        `${test}: expected subfolders with PNG or JPEG pictures of the classes of ${train} (${names}), ` +
          `found ${await describeFolder(test)}`,
      );
    }
    if (missing.size > 0) this.#onNotice(`${test}: no pictures of ${namesOf([...missing])}: not tested`);
    return {
      classes: classes.map(({ name }) => name),
      train: classes.flatMap(({ path, pictures }, label) => this.#labelled(path, pictures, label)),
      test: tested,
    };
  }

  #checkClasses(classes: readonly ClassFolder[]): void {
    if (classes.length >= 2) return;
    const found = classes.length === 0 ? "none" : `pictures of ${classes[0]!.name} alone`;
    throw new CifarError("INVALID_DATA", `${this.#directory}: ${EXPECTED}; found ${found}`);
  }

  #labelled(directory: string, pictures: readonly string[], label: number): Labelled[] {
    return pictures.map((name) => {
      const path = join(directory, name);
      return { path, file: relative(this.#directory, path), label };
    });
  }

  async #picturesIn(path: string): Promise<readonly string[]> {
    const { folders, pictures, others } = await entriesOf(path);
    const left = folders.length + others.length;
    if (pictures.length === 0) {
      const instead = left === 0 ? "" : `, but ${counted(left, "other file")} or ${left === 1 ? "folder" : "folders"}`;
      this.#leaveOut(path, `no PNG or JPEG pictures in it${instead}`);
    } else if (left > 0) {
      // Not one by one: there may be a file of notes beside every picture.
      this.#leaveOut(path, `all but files named .png, .jpg or .jpeg (${left})`);
    }
    return pictures;
  }

  #notice(line: string): void {
    this.#onNotice(`${this.#directory}: ${line}`);
  }

  #leaveOut(path: string, reason: string): void {
    this.#onNotice(`${LEFT_OUT}${path}: ${reason}`);
  }
}

/** The class of a name, or else the only one that differs in capitals alone. */
function labelOf(name: string, classes: readonly ClassFolder[]): number | undefined {
  const exact = classes.findIndex((each) => each.name === name);
  if (exact >= 0) return exact;
  const same = [...classes.keys()].filter((label) => classes[label]!.name.toLowerCase() === name.toLowerCase());
  return same.length === 1 ? same[0] : undefined;
}
