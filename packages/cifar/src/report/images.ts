import type { Dataset, Sequential } from "@cifar/cnn";
import { encode } from "fast-png";

/** A picture of red, green and blue bytes as the address of an `<img>`: the report needs no other file. */
function dataUri(picture: { width: number; height: number; data: Uint8Array }): string {
  const png = encode({ ...picture, channels: 3 });
  return `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
}

export function pictureUri(dataset: Dataset, index: number): string {
  const [height, width, channels] = dataset.shape;
  const size = height * width * channels;
  return dataUri({ width, height, data: dataset.images.slice(index * size, (index + 1) * size) });
}

/** The filters of the first convolution as pictures, each stretched from its least to its largest weight. */
export function filterUris(model: Sequential): string[] {
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
    return dataUri({
      width,
      height,
      data: Uint8Array.from(values, (value) => Math.round((255 * (value - least)) / range)),
    });
  });
}
