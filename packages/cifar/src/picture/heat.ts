import type { PlaceMap } from "@cifar/cnn";
import type { Picture } from "./picture.js";

/** What speaks for a class and what against it. */
const FOR = [255, 92, 20] as const;
const AGAINST = [40, 110, 255] as const;

/** How much of its colour a picture keeps beneath, and how strong the strongest place is painted. */
const KEPT_COLOUR = 0.25;
const STRONGEST = 0.85;

/**
 * Lays a map over a picture of any size: the picture pale and nearly grey, over it orange where a place speaks for the
 * class and blue where it speaks against it, as strong as it does.
 */
export function heatOver(picture: Picture, map: PlaceMap): Picture {
  const { width, height } = picture;
  const strongest = map.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = valueAt(map, { down: (y + 0.5) / height, right: (x + 0.5) / width }) / strongest;
      // The root lets weak places be seen beside the strongest one.
      const strength = STRONGEST * Math.sqrt(Math.abs(value));
      const colour = value >= 0 ? FOR : AGAINST;
      const at = (y * width + x) * 3;
      const [red, green, blue] = picture.data.subarray(at, at + 3) as unknown as [number, number, number];
      // Luma of ITU-R BT.601.
      const grey = 0.299 * red + 0.587 * green + 0.114 * blue;
      for (let channel = 0; channel < 3; channel++) {
        const pale = grey + KEPT_COLOUR * (picture.data[at + channel]! - grey);
        data[at + channel] = Math.round(pale + strength * (colour[channel]! - pale));
      }
    }
  }
  return { width, height, data };
}

/** A map between its places, in a line from each to the next. */
function valueAt({ width, height, values }: PlaceMap, place: { down: number; right: number }): number {
  const y = Math.min(Math.max(place.down * height - 0.5, 0), height - 1);
  const x = Math.min(Math.max(place.right * width - 0.5, 0), width - 1);
  const top = Math.floor(y);
  const left = Math.floor(x);
  const at = (row: number, column: number) => values[Math.min(row, height - 1) * width + Math.min(column, width - 1)]!;
  const upper = at(top, left) + (x - left) * (at(top, left + 1) - at(top, left));
  const lower = at(top + 1, left) + (x - left) * (at(top + 1, left + 1) - at(top + 1, left));
  return upper + (y - top) * (lower - upper);
}
