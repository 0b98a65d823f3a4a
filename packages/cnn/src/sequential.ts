import { formatShape, type Shape, type Tensor, tensor } from "@cifar/tensor";
import { CnnError } from "./errors.js";
import { type InitialiseOptions, initialiseParameters } from "./initialise.js";
import type { Architecture, LayerDescription } from "./layers.js";
import { type PlacedLayer, parameterShapes, placeLayers } from "./place.js";
import { summarise } from "./summary.js";

/**
 * A chain of layers with its parameters in JavaScript's own memory. It computes nothing itself: `fit`, `evaluate` and
 * `createPredictor` make a program of it for a backend.
 */
export class Sequential {
  /** [height, width, channels] of one picture. */
  readonly input: Shape;
  readonly layers: readonly LayerDescription[];
  readonly placed: readonly PlacedLayer[];
  /** Of one picture. */
  readonly outputShape: Shape;
  /** By name, such as `0.weight`: filters are HWIO, linear weights [in, out]. Zeros until {@link initialise}. */
  readonly parameters: ReadonlyMap<string, Tensor>;

  /** @throws CnnError INVALID_ARGUMENT, SHAPE_MISMATCH naming the layer that does not fit */
  constructor({ input, layers }: Architecture) {
    this.placed = placeLayers({ input, layers });
    this.input = [...input];
    this.layers = this.placed.map(({ layer }) => layer);
    this.outputShape = this.placed.at(-1)?.output ?? this.input;
    this.parameters = new Map([...parameterShapes(this.placed)].map(([name, shape]) => [name, tensor(shape)]));
  }

  /** Number of trainable values. */
  get parameterCount(): number {
    let count = 0;
    for (const { size } of this.parameters.values()) count += size;
    return count;
  }

  /** Draws new parameters; each seed gives the same on every machine. */
  initialise(options: InitialiseOptions): this {
    initialiseParameters(this.placed, this.parameters, options);
    return this;
  }

  /**
   * Copies values into the parameters.
   * @param values one array for every parameter, by name
   * @throws CnnError SHAPE_MISMATCH if a name or a number of values is not this network's; nothing is changed then
   */
  assign(values: ReadonlyMap<string, Float32Array>): this {
    for (const [name, { size, shape }] of this.parameters) {
      const given = values.get(name);
      if (given === undefined) throw new CnnError("SHAPE_MISMATCH", `network: parameter ${name} is missing`);
      if (given.length === size) continue;
      throw new CnnError(
        "SHAPE_MISMATCH",
        `network: parameter ${name} ${formatShape(shape)} has ${size} values, not ${given.length}`,
      );
    }
    for (const name of values.keys()) {
      if (!this.parameters.has(name)) throw new CnnError("SHAPE_MISMATCH", `network: there is no parameter ${name}`);
    }
    for (const [name, { data }] of this.parameters) data.set(values.get(name)!);
    return this;
  }

  /** A table of layers: shape of the output, parameters, FLOPs (two a multiply-add) of one picture's forward pass. */
  summary(): string {
    return summarise(this);
  }

  /** The network as plain data, without its parameters. */
  architecture(): Architecture {
    return { input: [...this.input], layers: this.layers.map((layer) => ({ ...layer })) };
  }

  /** The same network with parameters of its own. */
  clone(): Sequential {
    const copy = new Sequential(this.architecture());
    for (const [name, { data }] of copy.parameters) data.set(this.parameters.get(name)!.data);
    return copy;
  }
}
