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

/** A PNG file twice as wide as high, whose left and right quarters are of other colours than its centre. */
export function widePng(): Uint8Array {
  const [width, height] = [160, 80];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, index) => {
    const [x, y, channel] = [Math.floor(index / 3) % width, Math.floor(index / 3 / width), index % 3];
    if (x < 40 || x >= 120) return channel === 0 ? 255 : 0;
    return channel === 2 ? 200 - 2 * y : x + y;
  });
  return encode({ width, height, channels: 3, data });
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
