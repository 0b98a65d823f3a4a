import { TensorError } from "../errors.js";
import type { GpuLibrary } from "./context.js";

/** What gpu.js exports, as far as it is used here. */
export interface GpuPackage {
  readonly GPU: {
    new (settings: { readonly mode: string }): GpuLibrary;
    isWebGPUAvailable(): Promise<boolean>;
    readonly isHeadlessGLSupported: boolean;
    readonly isWebGL2Supported: boolean;
    readonly isWebGLSupported: boolean;
    readonly isWebAssemblySupported: boolean;
  };
}

/**
 * Loads gpu.js, which nobody needs to have who does not ask for it.
 * @throws TensorError BACKEND_UNAVAILABLE
 */
export async function loadGpu(): Promise<GpuPackage> {
  try {
    const loaded: unknown = await import("gpu.js");
    // A CommonJS package: bundlers and Node differ in where its exports are found.
    const { default: inner, ...outer } = loaded as { default?: GpuPackage } & GpuPackage;
    return outer.GPU === undefined ? inner! : outer;
  } catch (cause) {
    const message = "backend gpu: needs the package gpu.js; install it by `npm install gpu.js`";
    throw new TensorError("BACKEND_UNAVAILABLE", message, { cause });
  }
}
