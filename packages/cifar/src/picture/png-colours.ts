import { CifarError } from "../errors.js";

/** What a PNG says about its colours. */
export interface Colours {
  /** Red, green and blue of each entry. */
  readonly palette: Uint8Array | undefined;
  /** Opacity of each palette entry, or the one colour that is transparent, as the chunk tRNS holds it. */
  readonly transparency: Uint8Array | undefined;
}

/**
 * Samples of any colour type as red, green and blue bytes, over white where they are transparent.
 * @param samples one value a sample, as deep as `kind` says
 * @throws CifarError INVALID_PICTURE if a pixel's colour is not in the palette
 */
export function toRgb(
  samples: Uint8Array | Uint16Array,
  kind: { readonly colourType: number; readonly channels: number; readonly depth: number },
  colours: Colours,
): Uint8Array {
  const { colourType, channels, depth } = kind;
  if (colourType === 2 && samples instanceof Uint8Array && colours.transparency === undefined) return samples;
  const pixels = samples.length / channels;
  const rgb = new Uint8Array(pixels * 3);
  if (colourType === 3) {
    const table = paletteOverWhite(colours);
    for (let pixel = 0; pixel < pixels; pixel++) {
      const entry = samples[pixel]! * 3;
      if (entry >= table.length) {
        throw new CifarError("INVALID_PICTURE", `PNG: colour ${samples[pixel]} is not in its palette`);
      }
      rgb.set(table.subarray(entry, entry + 3), pixel * 3);
    }
    return rgb;
  }
  const largest = 2 ** depth - 1;
  const hasColour = colourType === 2 || colourType === 6;
  const hasAlpha = colourType === 4 || colourType === 6;
  const transparent = hasAlpha ? undefined : transparentColour(colours.transparency, hasColour ? 3 : 1);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const from = pixel * channels;
    const opacity = hasAlpha
      ? samples[from + channels - 1]! / largest
      : transparent?.every((value, channel) => value === samples[from + channel])
        ? 0
        : 1;
    for (let channel = 0; channel < 3; channel++) {
      const value = samples[from + (hasColour ? channel : 0)]! / largest;
      rgb[pixel * 3 + channel] = Math.round(255 * (value * opacity + 1 - opacity));
    }
  }
  return rgb;
}

function paletteOverWhite({ palette, transparency }: Colours): Uint8Array {
  return (palette ?? new Uint8Array()).map((value, index) => {
    const opacity = (transparency?.[Math.floor(index / 3)] ?? 255) / 255;
    return Math.round(value * opacity + 255 * (1 - opacity));
  });
}

/** The colour that tRNS declares transparent in a picture without alpha: 16 bits a sample. */
function transparentColour(transparency: Uint8Array | undefined, channels: number): number[] | undefined {
  if (transparency === undefined || transparency.length !== channels * 2) return undefined;
  return Array.from({ length: channels }, (_, channel) => {
    return transparency[channel * 2]! * 256 + transparency[channel * 2 + 1]!;
  });
}
