import type { Backend } from "../backend.js";
import { TensorError } from "../errors.js";
import { checkShape, formatShape, sizeOf } from "../shape.js";
import { GpuContext, type GpuLibrary, type GpuMode } from "./context.js";
import { conv2d } from "./conv2d.js";
import { dropout } from "./dropout.js";
import { type GpuPackage, loadGpu } from "./library.js";
import { linear } from "./linear.js";
import { maxPool2d } from "./max-pool2d.js";
import { muon } from "./muon.js";
import { MOST_VALUES } from "./product.js";
import { relu } from "./relu.js";
import { sgd } from "./sgd.js";
import { softmax } from "./softmax.js";
import { softmaxCrossEntropy } from "./softmax-cross-entropy.js";
import { sum } from "./sum.js";
import { type GpuTensor, onGpu, GpuTensor as TensorOnGpu } from "./tensor.js";

export interface GpuBackendOptions {
  /** Default: the best that runs here, in the order of `gpu.js`'s own mode `async`, with WebGPU first. */
  readonly mode?: GpuMode;
}

const DESCRIPTIONS: Readonly<Record<GpuMode, string>> = {
  webgpu: "gpu (gpu.js, WebGPU)",
  webgl2: "gpu (gpu.js, WebGL2)",
  webgl: "gpu (gpu.js, WebGL)",
  headlessgl: "gpu (gpu.js, headless WebGL)",
  webasm: "gpu (gpu.js in software: its WebAssembly mode)",
  cpu: "gpu (gpu.js in software: its plain JavaScript mode)",
};

/**
 * The backend that computes by kernels of gpu.js, an optional package. Results stay on the GPU until `read`.
 * @throws TensorError BACKEND_UNAVAILABLE if gpu.js is not installed or the mode does not run here
 */
export async function createGpuBackend({ mode }: GpuBackendOptions = {}): Promise<Backend> {
  const library = await loadGpu();
  const chosen = mode ?? (await bestMode(library));
  let gpu: GpuLibrary;
  try {
    gpu = new library.GPU({ mode: chosen });
  } catch (cause) {
    throw new TensorError("BACKEND_UNAVAILABLE", `backend gpu: mode ${chosen} does not run here`, { cause });
  }
  const context = new GpuContext(gpu);
  return {
    name: "gpu",
    description: DESCRIPTIONS[chosen],
    // Enough pictures to keep a GPU busy, few enough that their values can be numbered: see MOST_VALUES.
    shardSize: 64,
    tensor(shape, dtype) {
      checkShape("tensor", shape);
      if (sizeOf(shape) > MOST_VALUES) {
        const message = `tensor: the backend gpu holds at most ${MOST_VALUES} values, not ${formatShape(shape)}`;
        throw new TensorError("INVALID_ARGUMENT", message);
      }
      return new TensorOnGpu(context, shape, dtype ?? "float32") as never;
    },
    write: (target: object, values: Float32Array | Int32Array | Uint32Array) => write(onGpu(target as never), values),
    read: (source) => onGpu(source).read(),
    conv2d: (spec) => conv2d(context, spec),
    maxPool2d: (spec) => maxPool2d(context, spec),
    relu: (spec) => relu(context, spec),
    dropout: (spec) => dropout(context, spec),
    linear: (spec) => linear(context, spec),
    softmaxCrossEntropy: (spec) => softmaxCrossEntropy(context, spec),
    softmax: (spec) => softmax(context, spec),
    sum: (spec) => sum(context, spec),
    sgd: (spec) => sgd(context, spec),
    muon: (spec) => muon(context, spec),
    close: () => context.close(),
  };
}

function write(target: GpuTensor, values: Float32Array | Int32Array | Uint32Array): Promise<void> | void {
  if (values instanceof Uint32Array) return target.writeWords(values);
  return target.write(values instanceof Float32Array ? values : Float32Array.from(values));
}

/** One mode for all kernels: handles of one cannot be given to another. */
async function bestMode({ GPU }: GpuPackage): Promise<GpuMode> {
  if (await GPU.isWebGPUAvailable()) return "webgpu";
  if (GPU.isHeadlessGLSupported) return "headlessgl";
  if (GPU.isWebGL2Supported) return "webgl2";
  if (GPU.isWebGLSupported) return "webgl";
  return GPU.isWebAssemblySupported ? "webasm" : "cpu";
}
