import type { FunctionBuilder } from "../assembler.js";
import type { KernelContext } from "../context.js";
import { emitPack } from "./filters.js";
import { CELLS, chooseBlocks, chooseForm, matrixCell, productVectors, type WinogradShape } from "./geometry.js";
import { emitProducts } from "./matrices.js";
import { bindRows, gatherRows, scatterRows, tileRows, windowRows } from "./rows.js";

/** A correlation of pictures with filters, and how the filters are taken. */
export interface CorrelationSpec {
  readonly shape: WinogradShape;
  /** The taps come in reverse order. */
  readonly turned: boolean;
  readonly relu: boolean;
}

/** A correlation made for a shape; all arguments are addresses. */
export interface Correlation {
  /** Takes up filters, [3, 3, channels, filters]. */
  pack(filter: number): void;
  run(input: number, bias: number, output: number): void;
}

/** The forward pass, or the input gradient as the forward pass of the output gradient. */
export function createCorrelation(context: KernelContext, { shape, turned, relu }: CorrelationSpec): Correlation {
  const { memory } = context;
  const { batch, channels, filters, padding } = shape;
  const { form, grid } = chooseForm(shape);
  const blocks = chooseBlocks(shape, grid);
  const vectors = productVectors(filters, context.vectors);
  const sides = context.vectors === 4 ? 2 : 1;
  const input = { name: "input", side: shape, grid, cell: blocks.inputCell, sides } as const;
  const outputSide = { height: shape.outputHeight, width: shape.outputWidth, channels: filters };
  const output = { name: "output", side: outputSide, grid, cell: blocks.outputCell, sides, relu } as const;
  const reader = form === "gather" ? windowRows({ ...input, padding }) : tileRows(input);
  const writer = form === "gather" ? gatherRows(output) : scatterRows(output);
  // What scatters its inputs is a convolution: it takes the taps of a correlation in reverse order.
  const reversed = turned !== (form === "scatter");
  const functions = context.instantiate(
    `winograd ${JSON.stringify({ shape: shapeKey(shape), reversed, relu })}`,
    () => {
      const emitted = new Map<string, FunctionBuilder>([...reader.emit(), ...writer.emit()]);
      emitted.set("pack", emitPack({ channels, filters, turned: reversed }, vectors));
      for (const rows of new Set([blocks.rows, blocks.lastRows])) {
        emitted.set(`products ${rows}`, emitProducts({ blocks, rows, channels, filters, vectors }));
      }
      return emitted;
    },
  );
  const pack = functions["pack"]!;
  const products = functions[`products ${blocks.rows}`]!;
  const lastProducts = functions[`products ${blocks.lastRows}`]!;
  const readers = bindRows(reader, { functions, batch });
  const writers = bindRows(writer, { functions, batch });
  const packed = memory.allocate(CELLS * matrixCell(channels, filters));
  const inputBytes = CELLS * blocks.inputCell;
  memory.wantScratch(inputBytes + CELLS * blocks.outputCell);
  return {
    pack: (filter) => pack(filter, packed),
    run(pictures, bias, results) {
      const transformed = memory.scratch;
      const outputs = transformed + inputBytes;
      for (let first = 0; first < blocks.totalRows; first += blocks.rows) {
        const end = Math.min(first + blocks.rows, blocks.totalRows);
        for (let row = first; row < end; row++) {
          const { run, offset } = readers[row]!;
          run(pictures + offset, transformed + (row - first) * blocks.inputRow);
        }
        (end < blocks.totalRows ? products : lastProducts)(transformed, packed, outputs);
        for (let row = first; row < end; row++) {
          const { run, offset } = writers[row]!;
          run(outputs + (row - first) * blocks.outputRow, bias, results + offset);
        }
      }
    },
  };
}

/** What the emitted code depends on. */
function shapeKey({ batch, height, width, channels, padding, outputHeight, outputWidth, filters }: WinogradShape) {
  return [batch, height, width, channels, padding, outputHeight, outputWidth, filters];
}
