import type { Conv2d, Conv2dForward } from "../backend.js";
import type { Conv2dSizes } from "../specs.js";
import type { FunctionBuilder } from "./assembler.js";
import { addressOf, type KernelContext } from "./context.js";
import { type Correlation, emitBiasGradient, emitCorrelate, emitFilterGradient, turnFilter } from "./direct.js";
import { emitPlace, isIdentity, type Placement, planeBytes } from "./plane.js";
import { FLOAT } from "./vectors.js";

/**
 * Convolution straight from its definition, for every shape. The picture is laid on a plane with its padding, so that the
 * inner loops need no test for edges.
 */
export function directForward(context: KernelContext, sizes: Conv2dSizes): Conv2dForward {
  const { batch } = sizes;
  const { correlate } = context.instantiate(
    `direct ${JSON.stringify(sizes)}`,
    () => new Map([["correlate", emitCorrelate(correlationOf(sizes), context.vectors)]] as const),
  );
  const place = createPlacer(context, planeOf(sizes));
  const { pictureBytes, outputBytes } = bytesOf(sizes);
  let filterAddress = 0;
  let biasAddress = 0;
  return {
    outputShape: sizes.outputShape,
    filterShape: sizes.filterShape,
    prepare(filter, bias) {
      filterAddress = addressOf(filter);
      biasAddress = addressOf(bias);
    },
    forward(input, output) {
      for (let n = 0; n < batch; n++) {
        const plane = place(addressOf(input) + n * pictureBytes);
        correlate(plane, filterAddress, biasAddress, addressOf(output) + n * outputBytes);
      }
    },
  };
}

/**
 * The same with its gradients. That of the input is the correlation of the output gradient, laid on a plane with stride − 1
 * zeros between its pixels, with the filters turned by 180°.
 */
export function directConv2d(context: KernelContext, sizes: Conv2dSizes): Conv2d {
  const { batch, height, width, channels, filters, kernel, stride, padding, outputHeight, outputWidth } = sizes;
  const { memory, vectors } = context;
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
  const forward = directForward(context, sizes);
  const functions = context.instantiate(`direct gradients ${JSON.stringify(sizes)}`, () => {
    const emitted = new Map<"correlate" | "filter" | "bias", FunctionBuilder>();
    if (sizes.gradients.input) emitted.set("correlate", emitCorrelate(backwardShape, vectors));
    if (sizes.gradients.filter) {
      emitted.set("filter", emitFilterGradient(correlationOf(sizes), vectors));
      emitted.set("bias", emitBiasGradient(batch * outputHeight * outputWidth, filters));
    }
    return emitted;
  });
  const placeInput = createPlacer(context, planeOf(sizes));
  const inputGradient = sizes.gradients.input
    ? {
        place: createPlacer(context, gradientPlane),
        turned: memory.tensor([kernel, kernel, filters, channels], "float32"),
        noBias: memory.tensor([channels], "float32"),
      }
    : undefined;
  const { pictureBytes, outputBytes } = bytesOf(sizes);
  return {
    ...forward,
    prepare(filter, bias) {
      forward.prepare(filter, bias);
      if (inputGradient === undefined) return;
      turnFilter(inputGradient.turned.data, filter.data, { cells: kernel * kernel, channels, filters });
    },
    backwardInput(outputGradient, target) {
      const { place, turned, noBias } = inputGradient!;
      for (let n = 0; n < batch; n++) {
        const plane = place(addressOf(outputGradient) + n * outputBytes);
        functions.correlate(plane, turned.address, noBias.address, addressOf(target) + n * pictureBytes);
      }
    },
    backwardFilter(input, outputGradient, filterGradient, biasGradient) {
      filterGradient.data.fill(0);
      for (let n = 0; n < batch; n++) {
        const plane = placeInput(addressOf(input) + n * pictureBytes);
        functions.filter(plane, addressOf(outputGradient) + n * outputBytes, addressOf(filterGradient));
      }
      functions.bias(addressOf(outputGradient), addressOf(biasGradient));
    },
  };
}

/** Where a picture lies on the plane of the forward pass. */
function planeOf({ height, width, channels, kernel, padding }: Conv2dSizes): Placement {
  return {
    height,
    width,
    channels,
    planeHeight: Math.max(height + 2 * padding, kernel),
    planeWidth: Math.max(width + 2 * padding, kernel),
    offset: padding,
    step: 1,
  };
}

function correlationOf(sizes: Conv2dSizes): Correlation {
  const { channels, kernel, stride, outputHeight, outputWidth, filters, relu } = sizes;
  const { planeWidth } = planeOf(sizes);
  return { planeWidth, channels, kernel, stride, outputHeight, outputWidth, filters, relu };
}

function bytesOf({ height, width, channels, outputHeight, outputWidth, filters }: Conv2dSizes) {
  return {
    pictureBytes: height * width * channels * FLOAT,
    outputBytes: outputHeight * outputWidth * filters * FLOAT,
  };
}

/** What lays the picture at an address on its plane and says where that is: the picture itself, if it is its own plane. */
function createPlacer(context: KernelContext, placement: Placement): (picture: number) => number {
  if (isIdentity(placement)) return (picture) => picture;
  const { memory } = context;
  memory.wantScratch(planeBytes(placement));
  const { place } = context.instantiate(
    `place ${JSON.stringify(placement)}`,
    () => new Map([["place", emitPlace(placement)]] as const),
  );
  return (picture) => {
    const { scratch } = memory;
    place(picture, scratch);
    return scratch;
  };
}
