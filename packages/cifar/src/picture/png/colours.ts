import { invalidPicture } from "../limits.js";
import type { Header } from "./header.js";

/** What a PNG says about its colours. */
export interface Colours {
  /** Red, green and blue of each entry. */
  readonly palette: Uint8Array | undefined;
  /** Opacity of each palette entry, or the one colour that is transparent, as the chunk tRNS holds it. */
  readonly transparency: Uint8Array | undefined;
}

const GREY = 0;
const COLOUR = 2;
const PALETTE = 3;

/**
 * Samples of any colour type as red, green and blue bytes, over white where they are transparent.
 * @param samples one value a sample, as deep as the header says
 * @throws CifarError INVALID_PICTURE if a pixel's colour is not in the palette
 */
export function toRgb(samples: Uint8Array | Uint16Array, header: Header, colours: Colours): Uint8Array {
  const { colourType, channels, depth } = header;
  if (colourType === PALETTE) return paletteToRgb(samples, colours);
  if (colourType === COLOUR && samples instanceof Uint8Array && colours.transparency === undefined) return samples;
  const pixels = samples.length / channels;
  const rgb = new Uint8Array(pixels * 3);
  const largest = 2 ** depth - 1;
  // Of three colours, or of one thrice.
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2];
  const alpha = channels === 2 || channels === 4 ? channels - 1 : undefined;
  const transparent = colourType === GREY || colourType === COLOUR ? transparentColour(colours, channels) : undefined;
  for (let pixel = 0, from = 0, to = 0; pixel < pixels; pixel++, from += channels, to += 3) {
    let opacity = 1;
    if (alpha !== undefined) opacity = samples[from + alpha]! / largest;
    else if (
      transparent !== undefined &&
      samples[from] === transparent[0] &&
      samples[from + green] === transparent[green] &&
      samples[from + blue] === transparent[blue]
    ) {
      opacity = 0;
    }
    rgb[to] = overWhite(samples[from]! / largest, opacity);
    rgb[to + 1] = overWhite(samples[from + green]! / largest, opacity);
    rgb[to + 2] = overWhite(samples[from + blue]! / largest, opacity);
  }
  return rgb;
}

/** @param value 0 to 1 */
function overWhite(value: number, opacity: number): number {
  return Math.round(255 * (value * opacity + 1 - opacity));
}

function paletteToRgb(samples: Uint8Array | Uint16Array, { palette = new Uint8Array(), transparency }: Colours) {
  const table = palette.map((value, index) => {
    return overWhite(value / 255, (transparency?.[Math.floor(index / 3)] ?? 255) / 255);
  });
  const rgb = new Uint8Array(samples.length * 3);
  for (let pixel = 0, to = 0; pixel < samples.length; pixel++, to += 3) {
    const entry = samples[pixel]! * 3;
    if (entry >= table.length) throw invalidPicture("PNG", `colour ${samples[pixel]} is not in its palette`);
    rgb[to] = table[entry]!;
    rgb[to + 1] = table[entry + 1]!;
    rgb[to + 2] = table[entry + 2]!;
  }
  return rgb;
}

/** The colour that tRNS declares transparent in a picture without alpha: 16 bits a sample, big end first. */
function transparentColour({ transparency }: Colours, channels: number): number[] | undefined {
  if (transparency?.length !== channels * 2) return undefined;
  return Array.from({ length: channels }, (_, channel) => {
    return transparency[channel * 2]! * 256 + transparency[channel * 2 + 1]!;
  });
}
