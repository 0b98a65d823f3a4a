import type { Conv2d } from "../backend.js";
import type { Conv2dSizes } from "../specs.js";
import type { FunctionBuilder } from "./assembler.js";
import { addressOf, type KernelContext } from "./context.js";
import { type Correlation, emitBiasGradient, emitCorrelate, emitFilterGradient, turnFilter } from "./direct.js";
import { emitPlace, isIdentity, type Placement, planeBytes } from "./plane.js";
import { FLOAT } from "./vectors.js";

type Names = "placeInput" | "correlate" | "placeGradient" | "correlateGradient" | "filterGradient" | "biasGradient";

/**
 * Convolution straight from its definition, for every shape. The picture is laid on a plane with its padding, so that the
 * inner loops need no test for edges. The input gradient is the correlation of the output gradient, laid on a plane with
 * stride − 1 zeros between its pixels, with the filters turned by 180°.
 */
export function directConv2d(context: KernelContext, sizes: Conv2dSizes): Conv2d {
  const { batch, height, width, channels, filters, kernel, stride, padding, outputHeight, outputWidth } = sizes;
  const { memory, vectors } = context;
  const key = `direct ${JSON.stringify(sizes)}`;

  const inputPlane: Placement = {
    height,
    width,
    channels,
    planeHeight: Math.max(height + 2 * padding, kernel),
    planeWidth: Math.max(width + 2 * padding, kernel),
    offset: padding,
    step: 1,
  };
  const forwardShape: Correlation = {
    planeWidth: inputPlane.planeWidth,
    channels,
    kernel,
    stride,
    outputHeight,
    outputWidth,
    filters,
    relu: sizes.relu,
  };
  const gradientPlane: Placement = {
    height: outputHeight,
    width: outputWidth,
    channels: filters,
    planeHeight: height + kernel - 1,
    planeWidth: width + kernel - 1,
    offset: kernel - 1 - padding,
    step: stride,
  };
  const backwardShape: Correlation = {
    planeWidth: gradientPlane.planeWidth,
    channels: filters,
    kernel,
    stride: 1,
    outputHeight: height,
    outputWidth: width,
    filters: channels,
    relu: false,
  };

  const onPlane = !isIdentity(inputPlane);
  const gradientOnPlane = !isIdentity(gradientPlane);
  const functions = context.instantiate(key, () => {
    const emitted = new Map<Names, FunctionBuilder>([["correlate", emitCorrelate(forwardShape, vectors)]]);
    if (onPlane) emitted.set("placeInput", emitPlace(inputPlane));
    if (sizes.gradients.filter) {
      emitted.set("filterGradient", emitFilterGradient(forwardShape, vectors));
      emitted.set("biasGradient", emitBiasGradient(batch * outputHeight * outputWidth, filters));
    }
    if (sizes.gradients.input) {
      emitted.set("correlateGradient", emitCorrelate(backwardShape, vectors));
      if (gradientOnPlane) emitted.set("placeGradient", emitPlace(gradientPlane));
    }
    return emitted;
  });
  if (onPlane) memory.wantScratch(planeBytes(inputPlane));
  if (sizes.gradients.input && gradientOnPlane) memory.wantScratch(planeBytes(gradientPlane));

  const turned = sizes.gradients.input ? memory.tensor([kernel, kernel, filters, channels], "float32") : undefined;
  const noBias = sizes.gradients.input ? memory.tensor([channels], "float32") : undefined;
  let filterAddress = 0;
  let biasAddress = 0;

  const pictureBytes = height * width * channels * FLOAT;
  const outputBytes = outputHeight * outputWidth * filters * FLOAT;

  return {
    outputShape: sizes.outputShape,
    filterShape: sizes.filterShape,
    prepare(filter, bias) {
      filterAddress = addressOf(filter);
      biasAddress = addressOf(bias);
      if (turned) turnFilter(turned.data, filter.data, { cells: kernel * kernel, channels, filters });
    },
    forward(input, output) {
      const { scratch } = memory;
      for (let n = 0; n < batch; n++) {
        let plane = addressOf(input) + n * pictureBytes;
        if (onPlane) {
          functions.placeInput(plane, scratch);
          plane = scratch;
        }
        functions.correlate(plane, filterAddress, biasAddress, addressOf(output) + n * outputBytes);
      }
    },
    backwardInput(outputGradient, inputGradient) {
      const { scratch } = memory;
      for (let n = 0; n < batch; n++) {
        let plane = addressOf(outputGradient) + n * outputBytes;
        if (gradientOnPlane) {
          functions.placeGradient(plane, scratch);
          plane = scratch;
        }
        functions.correlateGradient(
          plane,
          turned!.address,
          noBias!.address,
          addressOf(inputGradient) + n * pictureBytes,
        );
      }
    },
    backwardFilter(input, outputGradient, filterGradient, biasGradient) {
      const { scratch } = memory;
      filterGradient.data.fill(0);
      for (let n = 0; n < batch; n++) {
        let plane = addressOf(input) + n * pictureBytes;
        if (onPlane) {
          functions.placeInput(plane, scratch);
          plane = scratch;
        }
        functions.filterGradient(plane, addressOf(outputGradient) + n * outputBytes, addressOf(filterGradient));
      }
      functions.biasGradient(addressOf(outputGradient), addressOf(biasGradient));
    },
  };
}
