import v8 from "node:v8";
import { enableRevectorizationInSteps } from "@cifar/tensor/node";

/*
 * What a program may do and a library may not: change V8's flags while it runs. Given to node as options, flags of V8
 * make it throw its own compiled code away and read its modules anew, which is a third of the start. Loaded on demand.
 */

/** Keeps memory small and switches on V8's 256-bit vectors, after a check in small steps that no result changes. */
export async function tune(breathe: () => Promise<void>): Promise<string> {
  v8.setFlagsFromString("--optimize-for-size");
  // The space for young objects stays at the size that it has; it would grow to 16 MB under load.
  v8.setFlagsFromString("--semi-space-growth-factor=1");
  return (await enableRevectorizationInSteps(breathe)).reason;
}
