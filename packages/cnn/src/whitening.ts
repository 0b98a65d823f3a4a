import type { Dataset, Normalisation } from "./dataset.js";
import { eigenSymmetric } from "./eigen.js";
import { CnnError } from "./errors.js";
import type { WhiteningOptions } from "./fit-options.js";
import { PictureWriter } from "./pictures.js";
import type { Sequential } from "./sequential.js";

/**
 * Sets the first convolution's filters to the principal components of the training pictures' patches, each divided by the
 * root of its variance, once with either sign since a ReLU follows (Jordan, arXiv:2404.00498, after Page's ResNet-9).
 * With fewer filters than components the largest components are taken; filters that are left over keep their values.
 * Biases become 0 for the filters that are set.
 * @throws CnnError INVALID_ARGUMENT if the network does not begin with a convolution
 */
export function whitenFirstConvolution(
  model: Sequential,
  dataset: Pick<Dataset, "images" | "count" | "shape">,
  options: Required<WhiteningOptions> & { readonly normalisation: Normalisation },
): void {
  const first = model.layers[0];
  if (first?.type !== "conv2d") {
    throw new CnnError("INVALID_ARGUMENT", "whitening: the network does not begin with a convolution");
  }
  const size = first.kernel * first.kernel * dataset.shape[2];
  const { values, vectors } = eigenSymmetric(patchCovariance(dataset, first.kernel, options), size);
  const weight = model.parameters.get("0.weight")!.data;
  const bias = model.parameters.get("0.bias")!.data;
  // HWIO: the position in the patch is the row, the filter the column.
  for (let filter = 0; filter < Math.min(first.filters, 2 * size); filter++) {
    const component = filter >> 1;
    const factor = (filter & 1 ? -options.scale : options.scale) / Math.sqrt(values[component]! + options.epsilon);
    for (let i = 0; i < size; i++) weight[i * first.filters + filter] = factor * vectors[component * size + i]!;
    bias[filter] = 0;
  }
}

/** Mean of x xᵀ over all patches x of the pictures, as [row, column, channel] vectors. */
function patchCovariance(
  dataset: Pick<Dataset, "images" | "count" | "shape">,
  kernel: number,
  options: { readonly pictures: number; readonly normalisation: Normalisation },
): Float64Array {
  const [height, width, channels] = dataset.shape;
  const writer = new PictureWriter(dataset.shape, options.normalisation);
  const picture = new Float32Array(writer.size);
  const size = kernel * kernel * channels;
  const patch = new Float64Array(size);
  const sums = new Float64Array(size * size);
  const pictures = Math.min(options.pictures, dataset.count);
  let patches = 0;
  for (let n = 0; n < pictures; n++) {
    writer.write(dataset.images, picture, { picture: n, slot: 0, mirrored: false, down: 0, right: 0 });
    for (let y = 0; y + kernel <= height; y++) {
      for (let x = 0; x + kernel <= width; x++) {
        for (let row = 0; row < kernel; row++) {
          const from = ((y + row) * width + x) * channels;
          for (let i = 0; i < kernel * channels; i++) patch[row * kernel * channels + i] = picture[from + i]!;
        }
        for (let i = 0; i < size; i++) {
          const value = patch[i]!;
          for (let j = i; j < size; j++) sums[i * size + j]! += value * patch[j]!;
        }
        patches++;
      }
    }
  }
  if (patches === 0) throw new CnnError("INVALID_ARGUMENT", `whitening: pictures hold no patch of ${kernel}×${kernel}`);
  for (let i = 0; i < size; i++) {
    for (let j = i; j < size; j++) {
      sums[i * size + j]! /= patches;
      sums[j * size + i] = sums[i * size + j]!;
    }
  }
  return sums;
}
