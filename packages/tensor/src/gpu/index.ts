export { createGpuBackend, type GpuBackendOptions } from "./backend.js";
export type { GpuMode } from "./context.js";
