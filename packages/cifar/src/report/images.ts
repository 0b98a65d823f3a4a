import type { Dataset, Sequential } from "@cifar/cnn";
import { encode } from "fast-png";
import type { Picture } from "../picture/picture.js";

/** A picture as the address of an `<img>`: the report needs no other file. */
function dataUri(picture: Picture): string {
  return `data:image/png;base64,${Buffer.from(pngFile(picture)).toString("base64")}`;
}

/** A picture as the bytes of a PNG. */
export function pngFile(picture: Picture): Uint8Array {
  return encode({ ...picture, channels: 3 });
}

/** A picture of a data set. */
export function pictureOf(dataset: Dataset, index: number): Picture {
  const [height, width, channels] = dataset.shape;
  const size = height * width * channels;
  return { width, height, data: dataset.images.slice(index * size, (index + 1) * size) };
}

export function pictureUri(dataset: Dataset, index: number): string {
  return dataUri(pictureOf(dataset, index));
}

export function filterUris(model: Sequential): string[] {
  return filterPictures(model).map(dataUri);
}

/** The filters of the first convolution, each stretched from its least to its largest weight. */
export function filterPictures(model: Sequential): Picture[] {
  const first = model.layers.findIndex((layer) => layer.type === "conv2d");
  const weight = model.parameters.get(`${first}.weight`);
  const [height, width, channels, filters] = weight?.shape ?? [];
  if (weight === undefined || height === undefined || width === undefined || channels !== 3 || filters === undefined) {
    return [];
  }
  return Array.from({ length: filters }, (_, filter) => {
    const values = Float32Array.from(
      { length: height * width * 3 },
      (_, index) => weight.data[index * filters + filter]!,
    );
    const least = Math.min(...values);
    const range = Math.max(...values) - least || 1;
    return { width, height, data: Uint8Array.from(values, (value) => Math.round((255 * (value - least)) / range)) };
  });
}

/** Between the pictures of a sheet, in pixels. */
const GAP = 6;

/** Pictures of one size side by side, row by row, each pixel `scale` × `scale`, on a middle grey. */
export function sheet(pictures: readonly Picture[], options: { columns: number; scale: number }): Picture {
  const { scale } = options;
  const columns = Math.min(options.columns, pictures.length);
  const rows = Math.ceil(pictures.length / Math.max(1, columns));
  const [cellWidth, cellHeight] = [pictures[0]?.width ?? 0, pictures[0]?.height ?? 0].map((side) => side * scale + GAP);
  const width = columns * cellWidth! + GAP;
  const height = rows * cellHeight! + GAP;
  const data = new Uint8Array(width * height * 3).fill(128);
  for (const [index, picture] of pictures.entries()) {
    const left = GAP + (index % columns) * cellWidth!;
    const top = GAP + Math.floor(index / columns) * cellHeight!;
    const large = enlarge(picture, scale);
    for (let y = 0; y < large.height; y++) {
      const row = large.data.subarray(y * large.width * 3, (y + 1) * large.width * 3);
      data.set(row, ((top + y) * width + left) * 3);
    }
  }
  return { width, height, data };
}

/** Every pixel becomes `scale` × `scale`. */
export function enlarge(picture: Picture, scale: number): Picture {
  const width = picture.width * scale;
  const height = picture.height * scale;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (Math.floor(y / scale) * picture.width + Math.floor(x / scale)) * 3;
      data.set(picture.data.subarray(from, from + 3), (y * width + x) * 3);
    }
  }
  return { width, height, data };
}
