import type { Conv2d, Conv2dForward } from "../../backend.js";
import type { Conv2dSizes } from "../../specs.js";
import { addressOf, type KernelContext } from "../context.js";
import { FLOAT } from "../vectors.js";
import { createCorrelation } from "./correlation.js";
import { createFilterGradient } from "./filter-gradient.js";
import { emitTranspose } from "./filters.js";

/**
 * 3×3 convolution with stride 1 by Winograd's minimal filtering F(4×4, 3×3): 36 multiplications instead of 144 for sixteen
 * outputs.
 */
export function winogradForward(context: KernelContext, sizes: Conv2dSizes): Conv2dForward {
  const { pack, run } = createCorrelation(context, { shape: sizes, turned: false, relu: sizes.relu });
  let bias = 0;
  return {
    outputShape: sizes.outputShape,
    filterShape: sizes.filterShape,
    prepare(filter, nextBias) {
      bias = addressOf(nextBias);
      pack(addressOf(filter));
    },
    forward(input, output) {
      run(addressOf(input), bias, addressOf(output));
    },
  };
}

/** The same with its gradients: that of the input is the same algorithm with other filters, that of the filters its transpose. */
export function winogradConv2d(context: KernelContext, sizes: Conv2dSizes): Conv2d {
  const forward = winogradForward(context, sizes);
  const backward = sizes.gradients.input ? createInputGradient(context, sizes) : undefined;
  const filterGradient = sizes.gradients.filter ? createFilterGradient(context, sizes) : undefined;
  return {
    ...forward,
    prepare(filter, bias) {
      forward.prepare(filter, bias);
      backward?.pack(addressOf(filter));
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
