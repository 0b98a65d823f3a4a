import type { Backend } from "../../src/backend.js";
import { createGpuBackend, type GpuMode } from "../../src/gpu/index.js";
import { onGpu } from "../../src/gpu/tensor.js";
import { type Agreement, compareWithReference } from "./agreement.js";
import { missedNotFinite } from "./cross-entropy.js";

/** What a page finds on one mode of the GPU. */
export interface PageReport {
  readonly description: string;
  readonly agreements: readonly Agreement[];
  /** Results that were read, and those of them that lay in the CPU's memory: gpu.js had computed them there. */
  readonly results: { readonly all: number; readonly onCpu: number };
}

/** All operations against the reference, for several random shapes. */
export async function compare(mode: GpuMode, seeds: readonly number[]): Promise<PageReport> {
  const agreements: Agreement[] = [];
  const results = { all: 0, onCpu: 0 };
  let description = "";
  for (const seed of seeds) {
    const backend = await createGpuBackend({ mode });
    description = backend.description;
    const watched: Backend = {
      ...backend,
      async read(source) {
        results.all++;
        if (ArrayBuffer.isView(await onGpu(source).handle())) results.onCpu++;
        return backend.read(source);
      },
    };
    agreements.push(...(await compareWithReference(watched, seed)));
    backend.close();
  }
  return { description, agreements, results };
}

/** What cross-entropy of logits that are not finite misses of PyTorch's answers, as text. */
export async function notFinite(mode: GpuMode): Promise<string[]> {
  const backend = await createGpuBackend({ mode });
  const missed = await missedNotFinite(backend);
  backend.close();
  return missed;
}

/** True where WebGPU has an adapter: the browser may know of it and still have none. */
export async function webGpuAvailable(): Promise<boolean> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<object | null> } };
  return gpu !== undefined && (await gpu.requestAdapter()) !== null;
}

/** Textures (WebGL2) or buffers (WebGPU) alive after 10 steps of a small computation, and after 200. */
export async function alive(mode: "webgl2" | "webgpu"): Promise<readonly [early: number, late: number]> {
  const living = mode === "webgl2" ? countTextures() : countBuffers();
  const backend = await createGpuBackend({ mode });
  const shape = [4, 6, 6, 3];
  const conv = backend.conv2d({ input: shape, filters: 3, kernel: 3, padding: 1 });
  const sgd = backend.sgd({ shape: conv.filterShape, momentum: 0.9 });
  const input = backend.tensor(shape);
  const output = backend.tensor(conv.outputShape);
  const filter = backend.tensor(conv.filterShape);
  const filterGradient = backend.tensor(conv.filterShape);
  const velocity = backend.tensor(conv.filterShape);
  const bias = backend.tensor([3]);
  const biasGradient = backend.tensor([3]);
  const counts: number[] = [];
  for (let step = 1; step <= 200; step++) {
    await backend.write(input, new Float32Array(input.size).fill(step));
    await conv.prepare(filter, bias);
    await conv.forward(input, output);
    await conv.backwardFilter(input, output, filterGradient, biasGradient);
    await sgd.step(filter, filterGradient, velocity, { learningRate: 0.1, weightDecay: 0, gradientScale: 1 });
    await backend.read(filter);
    if (step === 10 || step === 200) counts.push(living.size);
  }
  backend.close();
  return [counts[0]!, counts[1]!];
}

/** The textures that exist, from now on. */
function countTextures(): ReadonlySet<WebGLTexture> {
  const living = new Set<WebGLTexture>();
  const { createTexture, deleteTexture } = WebGL2RenderingContext.prototype;
  WebGL2RenderingContext.prototype.createTexture = function () {
    const texture = createTexture.call(this);
    living.add(texture);
    return texture;
  };
  WebGL2RenderingContext.prototype.deleteTexture = function (texture) {
    if (texture !== null) living.delete(texture);
    deleteTexture.call(this, texture);
  };
  return living;
}

/** The buffers that exist, from now on. */
function countBuffers(): ReadonlySet<GPUBuffer> {
  const living = new Set<GPUBuffer>();
  const { createBuffer } = GPUDevice.prototype;
  const { destroy } = GPUBuffer.prototype;
  GPUDevice.prototype.createBuffer = function (descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    living.add(buffer);
    return buffer;
  };
  GPUBuffer.prototype.destroy = function () {
    living.delete(this);
    return destroy.call(this);
  };
  return living;
}
