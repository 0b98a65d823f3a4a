import type { Conv2dSizes } from "../../specs.js";
import type { FunctionBuilder } from "../assembler.js";
import type { KernelContext } from "../context.js";
import { emitBiasGradient } from "../direct.js";
import { emitClear, emitFinish } from "./filters.js";
import { CELLS, chooseBlocks, chooseForm, matrixCell, productVectors } from "./geometry.js";
import { emitAccumulate } from "./matrices.js";
import { bindRows, tileRows, windowRows } from "./rows.js";

/** The filter gradient made for a shape; all arguments are addresses. */
export type FilterGradient = (
  input: number,
  outputGradient: number,
  filterGradient: number,
  biasGradient: number,
) => void;

/**
 * Gᵀ[Σ over tiles of (Bᵀ x B) ⊙ (A dy Aᵀ)]G, where x comes in windows and dy in tiles; or the other way round, which gives
 * the gradient with its taps in reverse order, if that needs fewer tiles.
 */
export function createFilterGradient(context: KernelContext, sizes: Conv2dSizes): FilterGradient {
  const { memory } = context;
  const { batch, channels, filters, padding, outputHeight, outputWidth, inputShape } = sizes;
  const { form, grid } = chooseForm(sizes);
  const blocks = chooseBlocks(sizes, grid);
  const vectors = productVectors(filters, context.vectors);
  const sides = context.vectors === 4 ? 2 : 1;
  const input = { name: "input", side: sizes, grid, cell: blocks.inputCell, sides } as const;
  const gradientSide = { height: outputHeight, width: outputWidth, channels: filters };
  const gradient = { name: "gradient", side: gradientSide, grid, cell: blocks.outputCell, sides } as const;
  const inputs = form === "gather" ? windowRows({ ...input, padding }) : tileRows(input);
  const gradients = form === "gather" ? tileRows(gradient) : windowRows({ ...gradient, padding: 2 - padding });
  const matrices = { channels, filters, turned: form === "scatter" };
  const functions = context.instantiate(`winograd filter gradient ${[...inputShape, filters, padding]}`, () => {
    const emitted = new Map<string, FunctionBuilder>([...inputs.emit(), ...gradients.emit()]);
    emitted.set("clear", emitClear(matrices)).set("finish", emitFinish(matrices));
    emitted.set("bias", emitBiasGradient(batch * outputHeight * outputWidth, filters));
    for (const rows of new Set([blocks.rows, blocks.lastRows])) {
      emitted.set(`accumulate ${rows}`, emitAccumulate({ blocks, rows, channels, filters, vectors }));
    }
    return emitted;
  });
  const clear = functions["clear"]!;
  const finish = functions["finish"]!;
  const sumBias = functions["bias"]!;
  const accumulate = functions[`accumulate ${blocks.rows}`]!;
  const lastAccumulate = functions[`accumulate ${blocks.lastRows}`]!;
  const inputReaders = bindRows(inputs, { functions, batch });
  const gradientReaders = bindRows(gradients, { functions, batch });
  const inputBytes = CELLS * blocks.inputCell;
  const gradientBytes = CELLS * blocks.outputCell;
  memory.wantScratch(inputBytes + gradientBytes + CELLS * matrixCell(channels, filters));
  return (input, outputGradient, filterGradient, biasGradient) => {
    const transformed = memory.scratch;
    const transformedGradients = transformed + inputBytes;
    const sums = transformedGradients + gradientBytes;
    clear(sums);
    for (let first = 0; first < blocks.totalRows; first += blocks.rows) {
      const end = Math.min(first + blocks.rows, blocks.totalRows);
      for (let row = first; row < end; row++) {
        const { run, offset } = inputReaders[row]!;
        run(input + offset, transformed + (row - first) * blocks.inputRow);
      }
      for (let row = first; row < end; row++) {
        const { run, offset } = gradientReaders[row]!;
        run(outputGradient + offset, transformedGradients + (row - first) * blocks.outputRow);
      }
      (end < blocks.totalRows ? accumulate : lastAccumulate)(transformed, transformedGradients, sums);
    }
    finish(sums, filterGradient);
    sumBias(outputGradient, biasGradient);
  };
}
