import type { GpuMode } from "@cifar/tensor/gpu";
import { createGpuBackend } from "@cifar/tensor/gpu";
import { type Agreement, compareWithReference } from "./agreement.js";

/** What a page finds on one mode of the GPU. */
export interface PageReport {
  readonly description: string;
  readonly agreements: readonly Agreement[];
}

/** All operations against the reference, for several random shapes. */
export async function compare(mode: GpuMode, seeds: readonly number[]): Promise<PageReport> {
  const agreements: Agreement[] = [];
  let description = "";
  for (const seed of seeds) {
    const backend = await createGpuBackend({ mode });
    description = backend.description;
    agreements.push(...(await compareWithReference(backend, seed)));
    backend.close();
  }
  return { description, agreements };
}

/** True where WebGPU has an adapter: the browser may know of it and still have none. */
export async function webGpuAvailable(): Promise<boolean> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<object | null> } };
  return gpu !== undefined && (await gpu.requestAdapter()) !== null;
}

/** Textures alive in WebGL2 after 10 steps of a small computation, and after 200. */
export async function liveTextures(): Promise<readonly [early: number, late: number]> {
  const alive = new Set<WebGLTexture>();
  const { createTexture, deleteTexture } = WebGL2RenderingContext.prototype;
  WebGL2RenderingContext.prototype.createTexture = function () {
    const texture = createTexture.call(this);
    alive.add(texture);
    return texture;
  };
  WebGL2RenderingContext.prototype.deleteTexture = function (texture) {
    if (texture !== null) alive.delete(texture);
    deleteTexture.call(this, texture);
  };
  const backend = await createGpuBackend({ mode: "webgl2" });
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
    if (step === 10 || step === 200) counts.push(alive.size);
  }
  backend.close();
  return [counts[0]!, counts[1]!];
}
