import type { Conv2d } from "../../backend.js";
import type { Conv2dSizes } from "../../specs.js";
import type { FunctionBuilder } from "../assembler.js";
import { addressOf, type KernelContext } from "../context.js";
import { emitBiasGradient, turnFilter } from "../direct.js";
import type { WasmTensor } from "../memory.js";
import { emitPlace } from "../plane.js";
import { FLOAT, LANES } from "../vectors.js";
import { CELLS, type WinogradGeometry, winogradGeometry, winogradScratch } from "./geometry.js";
import {
  emitAccumulate,
  emitClear,
  emitFinish,
  emitGradientTransform,
  emitInputTransform,
  emitOutputTransform,
  emitPack,
  emitProducts,
} from "./kernels.js";
import { TILE } from "./transforms.js";

/**
 * 3×3 convolution with stride 1 by Winograd's minimal filtering F(4×4, 3×3): 36 multiplications instead of 144 for sixteen
 * outputs. Forward and input gradient are the same algorithm with other filters; the filter gradient is its transpose.
 */
export function winogradConv2d(context: KernelContext, sizes: Conv2dSizes): Conv2d {
  const { channels, filters, padding } = sizes;
  const { memory } = context;
  const forward = createCorrelation(context, {
    geometry: winogradGeometry(sizes),
    batch: sizes.batch,
    relu: sizes.relu,
  });
  const backward = sizes.gradients.input
    ? createCorrelation(context, {
        geometry: winogradGeometry({
          height: sizes.outputHeight,
          width: sizes.outputWidth,
          channels: filters,
          padding: 2 - padding,
          outputHeight: sizes.height,
          outputWidth: sizes.width,
          filters: channels,
        }),
        batch: sizes.batch,
        relu: false,
      })
    : undefined;
  const turned = sizes.gradients.input ? memory.tensor([9, filters, channels], "float32") : undefined;
  const noBias = sizes.gradients.input ? memory.tensor([channels], "float32") : undefined;
  const filterGradient = sizes.gradients.filter ? createFilterGradient(context, sizes) : undefined;
  let bias = 0;
  return {
    outputShape: sizes.outputShape,
    filterShape: sizes.filterShape,
    prepare(filter, nextBias) {
      bias = addressOf(nextBias);
      forward.pack(addressOf(filter));
      if (backward === undefined || turned === undefined) return;
      turnFilter(turned.data, filter.data, { cells: 9, channels, filters });
      backward.pack(turned.address);
    },
    forward(input, output) {
      forward.run(addressOf(input), bias, addressOf(output));
    },
    backwardInput(outputGradient, inputGradient) {
      backward!.run(addressOf(outputGradient), noBias!.address, addressOf(inputGradient));
    },
    backwardFilter(input, outputGradient, target, biasGradient) {
      filterGradient!(addressOf(input), addressOf(outputGradient), addressOf(target), addressOf(biasGradient));
    },
  };
}

interface CorrelationOptions {
  readonly geometry: WinogradGeometry;
  readonly batch: number;
  readonly relu: boolean;
}

/** Vectors that a product takes together: as many as the filters divide into. */
function productVectors(filters: number, context: KernelContext): number {
  return filters % (context.vectors * LANES) === 0 ? context.vectors : 2;
}

function createCorrelation(context: KernelContext, { geometry, batch, relu }: CorrelationOptions) {
  const { memory } = context;
  const { channels, filters, blocks, placement, onPlane } = geometry;
  const vectors = productVectors(filters, context);
  const scratch = winogradScratch(geometry, false);
  memory.wantScratch(scratch.bytes);
  const packed: WasmTensor = memory.tensor([CELLS, channels, filters], "float32");
  const functions = context.instantiate(`winograd ${JSON.stringify({ ...geometry, relu })}`, () => {
    const emitted = new Map<string, FunctionBuilder>([["pack", emitPack(geometry, vectors)]]);
    if (onPlane) emitted.set("place", emitPlace(placement));
    blocks.forEach((block, index) => {
      emitted.set(`inputs${block.rows}`, emitInputTransform(geometry, block.rows));
      emitted.set(`products${block.rows}`, emitProducts(geometry, block.rows, vectors));
      emitted.set(`outputs${index}`, emitOutputTransform(geometry, block, relu));
    });
    return emitted;
  });
  const steps = blocks.map((block, index) => ({
    inputs: functions[`inputs${block.rows}`]!,
    products: functions[`products${block.rows}`]!,
    outputs: functions[`outputs${index}`]!,
    planeOffset: block.firstRow * TILE * placement.planeWidth * channels * FLOAT,
    outputOffset: block.firstRow * TILE * geometry.outputWidth * filters * FLOAT,
  }));
  const { place, pack } = functions;
  const pictureBytes = geometry.height * geometry.width * channels * FLOAT;
  const outputBytes = geometry.outputHeight * geometry.outputWidth * filters * FLOAT;
  return {
    pack: (filter: number) => pack!(filter, packed.address),
    run(input: number, bias: number, output: number): void {
      const base = memory.scratch;
      const inputs = base + scratch.inputs;
      const outputs = base + scratch.outputs;
      for (let n = 0; n < batch; n++) {
        let plane = input + n * pictureBytes;
        if (onPlane) {
          place!(plane, base);
          plane = base;
        }
        for (const step of steps) {
          step.inputs(plane + step.planeOffset, inputs);
          step.products(inputs, packed.address, outputs);
          step.outputs(outputs, bias, output + n * outputBytes + step.outputOffset);
        }
      }
    },
  };
}

function createFilterGradient(context: KernelContext, sizes: Conv2dSizes) {
  const { memory } = context;
  const { batch, channels, filters, outputHeight, outputWidth } = sizes;
  const geometry = winogradGeometry(sizes);
  const { blocks, placement, onPlane } = geometry;
  const vectors = productVectors(filters, context);
  const scratch = winogradScratch(geometry, true);
  memory.wantScratch(scratch.bytes);
  const functions = context.instantiate(`winograd filter gradient ${JSON.stringify({ batch, ...geometry })}`, () => {
    const emitted = new Map<string, FunctionBuilder>([
      ["clear", emitClear(CELLS * channels * filters * FLOAT)],
      ["finish", emitFinish(geometry)],
      ["bias", emitBiasGradient(batch * outputHeight * outputWidth, filters)],
    ]);
    if (onPlane) emitted.set("place", emitPlace(placement));
    blocks.forEach((block, index) => {
      emitted.set(`inputs${block.rows}`, emitInputTransform(geometry, block.rows));
      emitted.set(`gradients${index}`, emitGradientTransform(geometry, block));
      emitted.set(`accumulate${block.rows}`, emitAccumulate(geometry, block.rows, vectors));
    });
    return emitted;
  });
  const steps = blocks.map((block, index) => ({
    inputs: functions[`inputs${block.rows}`]!,
    gradients: functions[`gradients${index}`]!,
    accumulate: functions[`accumulate${block.rows}`]!,
    planeOffset: block.firstRow * TILE * placement.planeWidth * channels * FLOAT,
    outputOffset: block.firstRow * TILE * outputWidth * filters * FLOAT,
  }));
  const { place, clear, finish, bias } = functions;
  const pictureBytes = sizes.height * sizes.width * channels * FLOAT;
  const outputBytes = outputHeight * outputWidth * filters * FLOAT;
  return (input: number, outputGradient: number, filterGradient: number, biasGradient: number): void => {
    const base = memory.scratch;
    const inputs = base + scratch.inputs;
    const gradients = base + scratch.outputs;
    const sums = base + scratch.gradients;
    clear!(sums);
    for (let n = 0; n < batch; n++) {
      let plane = input + n * pictureBytes;
      if (onPlane) {
        place!(plane, base);
        plane = base;
      }
      for (const step of steps) {
        step.inputs(plane + step.planeOffset, inputs);
        step.gradients(outputGradient + n * outputBytes + step.outputOffset, gradients);
        step.accumulate(inputs, gradients, sums);
      }
    }
    finish!(sums, filterGradient);
    bias!(outputGradient, biasGradient);
  };
}
