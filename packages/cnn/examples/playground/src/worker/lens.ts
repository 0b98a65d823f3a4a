import type { Normalisation, Sequential } from "@cifar/cnn";
import { createWasmInference, type Done, type InferenceBackend, type Tensor, wasmSupported } from "@cifar/tensor";
import type { Stage } from "../protocol.js";

/** A layer's values worth looking at. */
interface Place {
  readonly title: string;
  /** [pictures, height, width, channels] */
  readonly values: Tensor;
}

/**
 * A network's forward pass that keeps what every layer gives, made for one architecture and used with ever new weights.
 * Kernels of @cifar/tensor one after the other, on this thread and on backends that make nobody wait: it looks on between
 * the steps of `fit`.
 */
export class Lens {
  readonly #batch: number;
  readonly #backend: InferenceBackend;
  readonly #parameters = new Map<string, Tensor>();
  readonly #prepare: (() => Done)[] = [];
  readonly #forward: (() => Done)[] = [];
  readonly #places: Place[] = [];
  readonly #input: Tensor;
  readonly #logits: Tensor;

  private constructor(backend: InferenceBackend, model: Sequential, batch: number) {
    this.#backend = backend;
    this.#batch = batch;
    this.#input = this.#backend.tensor([batch, ...model.input]);
    let values = this.#input;
    for (const placed of model.placed) values = this.#add(placed, values);
    this.#logits = values;
  }

  /** @param batch most pictures that go through together */
  static async open(model: Sequential, batch: number): Promise<Lens> {
    if (wasmSupported()) return new Lens(createWasmInference(), model, batch);
    const { createReferenceBackend } = await import("@cifar/tensor/reference");
    return new Lens(createReferenceBackend(), model, batch);
  }

  /** Makes what a layer needs; returns what it gives. */
  #add({ layer, index, input, output }: Sequential["placed"][number], from: Tensor): Tensor {
    const backend = this.#backend;
    const batch = this.#batch;
    switch (layer.type) {
      // Neither changes a value when a network classifies.
      case "dropout":
      case "flatten":
        return from;
      case "relu": {
        const relu = backend.relu({ shape: from.shape });
        this.#forward.push(() => relu.forward(from, from));
        return from;
      }
      case "conv2d": {
        const convolution = backend.conv2d({ ...layer, input: [batch, ...input], gradients: NO_CONV_GRADIENTS });
        const to = backend.tensor(convolution.outputShape);
        const filter = this.#parameter(`${index}.weight`, convolution.filterShape);
        const bias = this.#parameter(`${index}.bias`, [layer.filters]);
        this.#prepare.push(() => convolution.prepare(filter, bias));
        this.#forward.push(() => convolution.forward(from, to));
        this.#places.push({ title: `convolution ${layer.kernel} × ${layer.kernel}`, values: to });
        return to;
      }
      case "maxPool2d": {
        const pooling = backend.maxPool2d({ ...layer, input: [batch, ...input] });
        const to = backend.tensor(pooling.outputShape);
        this.#forward.push(() => pooling.forward(from, to));
        this.#places.push({ title: `largest of ${layer.size} × ${layer.size}`, values: to });
        return to;
      }
      case "linear": {
        const inputs = from.size / batch;
        const linear = backend.linear({ batch, inputs, outputs: layer.outputs, gradients: NO_LINEAR_GRADIENTS });
        const to = backend.tensor([batch, ...output]);
        const weight = this.#parameter(`${index}.weight`, [inputs, layer.outputs]);
        const bias = this.#parameter(`${index}.bias`, [layer.outputs]);
        this.#prepare.push(() => linear.prepare(weight, bias));
        this.#forward.push(() => linear.forward(from, to));
        return to;
      }
    }
  }

  #parameter(name: string, shape: readonly number[]): Tensor {
    const tensor = this.#backend.tensor(shape);
    this.#parameters.set(name, tensor);
    return tensor;
  }

  /** Takes up a network's weights. */
  focus({ parameters }: Sequential): void {
    for (const [name, tensor] of this.#parameters) this.#backend.write(tensor, parameters.get(name)!.data);
    for (const prepare of this.#prepare) prepare();
  }

  /**
   * @param images bytes of at most `batch` pictures
   * @returns [batch, classes] logits; those of absent pictures mean nothing
   */
  look(images: Uint8Array, { mean, deviation }: Normalisation): Float32Array {
    const values = new Float32Array(this.#input.size);
    const channels = mean.length;
    for (let i = 0; i < images.length; i++) {
      const channel = i % channels;
      values[i] = (images[i]! / 255 - mean[channel]!) / deviation[channel]!;
    }
    this.#backend.write(this.#input, values);
    for (const forward of this.#forward) forward();
    return this.#logits.data.slice();
  }

  /** What the layers gave for the first picture of the last look. */
  stages(): Stage[] {
    return this.#places.map(({ title, values }) => {
      const [, height = 0, width = 0, channels = 0] = values.shape;
      return { title, height, width, channels, values: values.data.slice(0, height * width * channels) };
    });
  }

  close(): void {
    this.#backend.close();
  }
}

const NO_CONV_GRADIENTS = { input: false, filter: false };
const NO_LINEAR_GRADIENTS = { input: false, weight: false };
