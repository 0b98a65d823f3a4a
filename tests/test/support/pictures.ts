import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CIFAR10_NORMALISATION, networkFor, recipeOf, shapes } from "@cifar/cifar";
import { writeModelFile } from "@cifar/cnn/node";
import { encode } from "fast-png";

/** Drawn pictures of 32 × 32 pixels as PNG files, those of ten classes in turn. */
export function drawnPngs(count: number): Uint8Array[] {
  const { images } = shapes({ count });
  return Array.from({ length: count }, (_, n) =>
    encode({ width: 32, height: 32, channels: 3, data: images.subarray(n * 3072, (n + 1) * 3072) }),
  );
}

/** A folder whose subfolders, named `classes`, hold `count` drawn pictures each: `apples/01.png` and so on. */
export async function writePictureFolder(folder: string, classes: readonly string[], count: number): Promise<void> {
  const pictures = drawnPngs(10 * count);
  for (const [label, name] of classes.entries()) {
    await mkdir(join(folder, name), { recursive: true });
    for (let n = 0; n < count; n++) {
      const file = `${String(n + 1).padStart(2, "0")}.png`;
      await writeFile(join(folder, name, file), pictures[10 * n + label] ?? new Uint8Array());
    }
  }
}

/** The file of an untrained model with these classes, as a run leaves one. */
export async function writeModelOf(classes: readonly string[], file: string): Promise<void> {
  const network = networkFor(recipeOf("fast"), classes.length, 0);
  const normalisation = CIFAR10_NORMALISATION;
  await writeModelFile(file, network, { classes, normalisation, accuracy: { accuracy: 1 / classes.length } });
}
