import { CIFAR10_TEST_FILE, CIFAR10_TRAIN_FILES, toInput } from "@cifar/cifar/browser";

/** What a file is for, by its name and what the browser takes it for. */
export type Kind = "data" | "model" | "picture" | "unknown";

const DATA_NAMES = new Set([CIFAR10_TEST_FILE, ...CIFAR10_TRAIN_FILES].map(({ name }) => name));

export function kindOf({ name, type }: Pick<File, "name" | "type">): Kind {
  if (DATA_NAMES.has(name)) return "data";
  if (name.endsWith(".safetensors")) return "model";
  return type.startsWith("image/") ? "picture" : "unknown";
}

/**
 * A picture file as the network's input.
 * @returns [32, 32, 3] bytes, the square in its centre
 * @throws Error if the browser cannot read it
 */
export async function readPicture(file: File): Promise<Uint8Array> {
  const bitmap = await createImageBitmap(file).catch((cause: unknown) => {
    throw new Error(`${file.name}: this browser cannot read it as a picture`, { cause });
  });
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d")!;
  // Transparent parts over white, as the command line has them.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const pixels = context.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < 3; channel++) data[pixel * 3 + channel] = pixels[pixel * 4 + channel]!;
  }
  return toInput({ width, height, data }, 32);
}

/** Gives a file to the user. */
export function download(name: string, bytes: Uint8Array<ArrayBuffer>): void {
  const url = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
