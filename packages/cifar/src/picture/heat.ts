import type { PlaceMap } from "@cifar/cnn";
import type { Picture } from "./picture.js";

/** What speaks for a class and what against it. */
const FOR = [255, 92, 20] as const;
const AGAINST = [40, 110, 255] as const;

/** How bright a picture is beneath, and how strong the strongest place is painted. */
const BRIGHTNESS = 0.75;
const STRONGEST = 0.9;

/**
 * Lays a map over a picture of any size: the picture in grey, over it orange where a place speaks for the class and blue
 * where it speaks against it, as strong as it does.
 * @param side of the picture that the map was made of, in pixels
 */
export function heatOver(picture: Picture, map: PlaceMap, side: number): Picture {
  const { width, height } = picture;
  const strongest = map.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = valueAt(map, { down: ((y + 0.5) / height) * side, right: ((x + 0.5) / width) * side }) / strongest;
      const strength = STRONGEST * Math.abs(value);
      const colour = value >= 0 ? FOR : AGAINST;
      const at = (y * width + x) * 3;
      // Luma of ITU-R BT.601.
      const luma = 0.299 * picture.data[at]! + 0.587 * picture.data[at + 1]! + 0.114 * picture.data[at + 2]!;
      const grey = BRIGHTNESS * luma;
      for (let channel = 0; channel < 3; channel++) {
        data[at + channel] = Math.round(grey + strength * (colour[channel]! - grey));
      }
    }
  }
  return { width, height, data };
}

/** A map at a place of the picture, in pixels: in a line from each of its places to the next. */
function valueAt({ width, height, values, start, step }: PlaceMap, place: { down: number; right: number }): number {
  const y = Math.min(Math.max((place.down - start) / step, 0), height - 1);
  const x = Math.min(Math.max((place.right - start) / step, 0), width - 1);
  const top = Math.floor(y);
  const left = Math.floor(x);
  const at = (row: number, column: number) => values[Math.min(row, height - 1) * width + Math.min(column, width - 1)]!;
  const upper = at(top, left) + (x - left) * (at(top, left + 1) - at(top, left));
  const lower = at(top + 1, left) + (x - left) * (at(top + 1, left + 1) - at(top + 1, left));
  return upper + (y - top) * (lower - upper);
}
