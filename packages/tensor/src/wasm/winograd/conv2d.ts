import type { Conv2d } from "../../backend.js";
import type { Conv2dSizes } from "../../specs.js";
import { addressOf, type KernelContext } from "../context.js";
import { FLOAT } from "../vectors.js";
import { createCorrelation } from "./correlation.js";
import { createFilterGradient } from "./filter-gradient.js";
import { emitTranspose } from "./filters.js";

/**
 * 3×3 convolution with stride 1 by Winograd's minimal filtering F(4×4, 3×3): 36 multiplications instead of 144 for sixteen
 * outputs. Forward and input gradient are the same algorithm with other filters; the filter gradient is its transpose.
 */
export function winogradConv2d(context: KernelContext, sizes: Conv2dSizes): Conv2d {
  const forward = createCorrelation(context, { shape: sizes, turned: false, relu: sizes.relu });
  const backward = sizes.gradients.input ? createInputGradient(context, sizes) : undefined;
  const filterGradient = sizes.gradients.filter ? createFilterGradient(context, sizes) : undefined;
  let bias = 0;
  return {
    outputShape: sizes.outputShape,
    filterShape: sizes.filterShape,
    prepare(filter, nextBias) {
      bias = addressOf(nextBias);
      forward.pack(addressOf(filter));
      backward?.pack(addressOf(filter));
    },
    forward(input, output) {
      forward.run(addressOf(input), bias, addressOf(output));
    },
    backwardInput(outputGradient, inputGradient) {
      backward!.run(addressOf(outputGradient), addressOf(inputGradient));
    },
    backwardFilter(input, outputGradient, target, biasGradient) {
      filterGradient!(addressOf(input), addressOf(outputGradient), addressOf(target), addressOf(biasGradient));
    },
  };
}

/** The correlation of the output gradient with the filters turned by 180°, channels and filters exchanged. */
function createInputGradient(context: KernelContext, sizes: Conv2dSizes) {
  const { memory } = context;
  const { batch, channels, filters } = sizes;
  const correlation = createCorrelation(context, {
    shape: {
      batch,
      height: sizes.outputHeight,
      width: sizes.outputWidth,
      channels: filters,
      padding: 2 - sizes.padding,
      outputHeight: sizes.height,
      outputWidth: sizes.width,
      filters: channels,
    },
    turned: true,
    relu: false,
  });
  const { transpose } = context.instantiate(
    `winograd transpose ${channels}×${filters}`,
    () => new Map([["transpose", emitTranspose(channels, filters)]] as const),
  );
  memory.wantScratch(9 * channels * filters * FLOAT);
  const noBias = memory.tensor([channels], "float32").address;
  return {
    pack(filter: number): void {
      const transposed = memory.scratch;
      transpose(filter, transposed);
      correlation.pack(transposed);
    },
    run: (outputGradient: number, inputGradient: number) => correlation.run(outputGradient, noBias, inputGradient),
  };
}
