import type { CifarErrorCode } from "@cifar/cifar/picture";

/** What the thread is started with. */
export interface ThreadData {
  readonly maxPixels: number;
  /** Whether it may have V8 collect its garbage, as only a program may. */
  readonly collects: boolean;
}

/** A picture's file, and the side of the square that it becomes. */
export interface ThreadTask {
  readonly file: Uint8Array;
  readonly side: number;
}

/** What the thread says: once that it listens, then for each task what became of it. */
export type ThreadAnswer =
  | { readonly kind: "ready" }
  /** side · side · 3 bytes */
  | { readonly kind: "pixels"; readonly pixels: Uint8Array }
  | { readonly kind: "refused"; readonly code: CifarErrorCode; readonly message: string };
