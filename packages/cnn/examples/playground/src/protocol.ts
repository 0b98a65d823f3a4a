import type { BackendName } from "@cifar/tensor";

/* What the page and its worker say to each other: commands go to the worker, reports come back. */

/** Where to compute. */
export interface Compute {
  /** Left out: the fastest that runs here. */
  readonly backend?: BackendName;
  /** For backend `wasm`; the others have no threads. */
  readonly threads: number;
}

export interface RunSettings {
  readonly recipe: string;
  readonly epochs: number;
  readonly seed: number;
}

export type Command =
  | { readonly type: "shapes"; readonly train: number; readonly test: number }
  | { readonly type: "files"; readonly files: readonly File[] }
  | { readonly type: "train"; readonly settings: RunSettings; readonly compute: Compute }
  | { readonly type: "stop" }
  /** Goes on after a stop; in the middle of a run it goes on elsewhere. */
  | { readonly type: "goOn"; readonly compute: Compute }
  /** Which picture to look at: [32, 32, 3] bytes. */
  | { readonly type: "look"; readonly picture: Uint8Array }
  | { readonly type: "save" }
  | { readonly type: "load"; readonly file: File };

/** What one layer makes of the picture. */
export interface Stage {
  readonly title: string;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** [height, width, channels] */
  readonly values: Float32Array;
}

/** What the network is and sees at a moment. */
export interface View {
  /** Filters of the first layer: [kernel, kernel, channels, filters]. */
  readonly filters: { readonly kernel: number; readonly count: number; readonly values: Float32Array };
  /** Of the picture at hand, if there is one. */
  readonly stages: readonly Stage[];
  /** Of each class, the most probable first; empty without a picture. */
  readonly answer: readonly { readonly label: string; readonly probability: number }[];
}

export type Report =
  | {
      readonly type: "data";
      readonly name: string;
      readonly train: number;
      readonly test: number;
      /** One test picture of each class. */
      readonly samples: readonly { readonly label: string; readonly picture: Uint8Array }[];
    }
  | {
      readonly type: "started";
      readonly step: number;
      readonly steps: number;
      readonly epochs: number;
      readonly stepsPerEpoch: number;
      readonly backend: string;
      readonly threads: number;
    }
  | {
      readonly type: "step";
      readonly step: number;
      readonly epoch: number;
      readonly loss: number;
      /** Pictures a second of the last steps, without what this page does beside training. */
      readonly speed: number;
    }
  | { readonly type: "accuracy"; readonly step: number; readonly accuracy: number; readonly pictures: number }
  | { readonly type: "view"; readonly view: View }
  | { readonly type: "stopped"; readonly step: number; readonly steps: number }
  | { readonly type: "ended"; readonly steps: number }
  | { readonly type: "saved"; readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> }
  | {
      readonly type: "loaded";
      readonly name: string;
      readonly parameters: number;
      readonly classes: readonly string[];
      /** On the test pictures at hand, where they are of the same classes. */
      readonly accuracy?: number;
      readonly pictures?: number;
    }
  /** Something slower than asked for serves. */
  | { readonly type: "notice"; readonly line: string }
  /** What was asked for failed; everything else is as before. */
  | { readonly type: "failed"; readonly line: string };
