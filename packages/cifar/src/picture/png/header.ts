import { checkSize, invalidPicture } from "../limits.js";

/** Samples a pixel for each colour type, and the bit depths that it may have (PNG specification, table 11.1). */
const COLOUR_TYPES: Readonly<Record<number, { readonly channels: number; readonly depths: readonly number[] }>> = {
  0: { channels: 1, depths: [1, 2, 4, 8, 16] },
  2: { channels: 3, depths: [8, 16] },
  3: { channels: 1, depths: [1, 2, 4, 8] },
  4: { channels: 2, depths: [8, 16] },
  6: { channels: 4, depths: [8, 16] },
};

/** What a PNG's pixels are, or those of one of its passes. */
export interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colourType: number;
  readonly channels: number;
  readonly isInterlaced: boolean;
}

/** A part of the pixels that is filtered for itself: where it starts in the picture, and how far its pixels are apart. */
export interface Pass {
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
  readonly width: number;
  readonly height: number;
}

/** Start and step of the seven passes of Adam7. */
const ADAM7 = [
  { x: 0, y: 0, stepX: 8, stepY: 8 },
  { x: 4, y: 0, stepX: 8, stepY: 8 },
  { x: 0, y: 4, stepX: 4, stepY: 8 },
  { x: 2, y: 0, stepX: 4, stepY: 4 },
  { x: 0, y: 2, stepX: 2, stepY: 4 },
  { x: 1, y: 0, stepX: 2, stepY: 2 },
  { x: 0, y: 1, stepX: 1, stepY: 2 },
] as const;

/**
 * Reads the chunk IHDR.
 * @throws CifarError INVALID_PICTURE, PICTURE_TOO_LARGE
 */
export function readHeader(data: Uint8Array, maxPixels: number): Header {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const width = view.getUint32(0);
  const height = view.getUint32(4);
  checkSize("PNG", { width, height }, maxPixels);
  const [depth, colourType, compression, filter, interlace] = data.subarray(8) as unknown as number[];
  const kind = COLOUR_TYPES[colourType!];
  if (kind === undefined || !kind.depths.includes(depth!) || compression !== 0 || filter !== 0 || interlace! > 1) {
    throw invalidPicture(
      "PNG",
      `its header is none of PNG's (depth ${depth}, colour type ${colourType}, interlace ${interlace})`,
    );
  }
  return {
    width,
    height,
    depth: depth!,
    colourType: colourType!,
    channels: kind.channels,
    isInterlaced: interlace === 1,
  };
}

/** The passes that have pixels, in the order of the file; one of all pixels where it is not interlaced. */
export function passesOf({ width, height, isInterlaced }: Header): readonly Pass[] {
  if (!isInterlaced) return [{ x: 0, y: 0, stepX: 1, stepY: 1, width, height }];
  return ADAM7.map((pass) => ({
    ...pass,
    width: Math.ceil((width - pass.x) / pass.stepX),
    height: Math.ceil((height - pass.y) / pass.stepY),
  })).filter((pass) => pass.width > 0 && pass.height > 0);
}

/** Bytes of a row before compression: one that names its filter, then its samples, packed. */
export function rowBytes({ channels, depth }: Header, { width }: { readonly width: number }): number {
  return 1 + Math.ceil((width * channels * depth) / 8);
}

/** Bytes of all rows of all passes before compression. */
export function filteredBytes(header: Header): number {
  return passesOf(header).reduce((sum, pass) => sum + pass.height * rowBytes(header, pass), 0);
}
