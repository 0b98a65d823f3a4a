import type { Dataset, Normalisation } from "@cifar/cnn";
import { CIFAR10_CLASSES, CIFAR10_NORMALISATION } from "./cifar10-files.js";

/**
 * What pictures are normalised with: CIFAR-10's usual figures for CIFAR-10, else mean and deviation of each channel over
 * the training pictures, to four digits.
 */
export function normalisationOf(train: Dataset): Normalisation {
  if (train.classes.every((name, index) => name === CIFAR10_CLASSES[index])) return CIFAR10_NORMALISATION;
  const channels = train.shape[2];
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  for (let index = 0; index < train.images.length; index += channels) {
    for (let channel = 0; channel < channels; channel++) {
      const value = train.images[index + channel]!;
      sums[channel]! += value;
      squares[channel]! += value * value;
    }
  }
  const count = train.images.length / channels;
  const mean = Array.from(sums, (sum) => sum / count / 255);
  const deviation = Array.from(squares, (square, channel) => {
    // A channel that never changes would divide by 0.
    return Math.max(Math.sqrt(square / count / 255 ** 2 - mean[channel]! ** 2), 0.01);
  });
  return { mean: mean.map(fourDigits), deviation: deviation.map(fourDigits) };
}

function fourDigits(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
