import { describe, expect, it } from "vitest";
import { conv2d, flatten, linear, relu } from "../src/layers.js";
import { PictureWriter } from "../src/pictures.js";
import { Sequential } from "../src/sequential.js";
import { whitenFirstConvolution } from "../src/whitening.js";
import { TOY_NORMALISATION, toyPictures } from "./support/toys.js";

const PICTURES = toyPictures({ count: 60 });
const OPTIONS = { pictures: 60, epsilon: 1e-9, scale: 1, normalisation: TOY_NORMALISATION };

const network = (filters: number, kernel: number) =>
  new Sequential({
    input: [8, 8, 3],
    layers: [conv2d({ filters, kernel }), relu(), flatten(), linear({ outputs: 3 })],
  });

/** What filters make of all patches: [patches][filters]. */
function responses(model: Sequential, filters: number, kernel: number): number[][] {
  const weight = model.parameters.get("0.weight")!.data;
  const picture = new Float32Array(192);
  const found: number[][] = [];
  for (let n = 0; n < PICTURES.count; n++) {
    const placement = { picture: n, slot: 0, mirrored: false, down: 0, right: 0 };
    new PictureWriter(PICTURES.shape, TOY_NORMALISATION).write(PICTURES.images, picture, placement);
    for (let y = 0; y + kernel <= 8; y++) {
      for (let x = 0; x + kernel <= 8; x++) {
        found.push(
          Array.from({ length: filters }, (_, filter) => {
            let sum = 0;
            for (let i = 0; i < kernel; i++) {
              for (let j = 0; j < kernel; j++) {
                for (let c = 0; c < 3; c++) {
                  sum +=
                    picture[((y + i) * 8 + x + j) * 3 + c]! * weight[((i * kernel + j) * 3 + c) * filters + filter]!;
                }
              }
            }
            return sum;
          }),
        );
      }
    }
  }
  return found;
}

describe("whitenFirstConvolution", () => {
  it("makes responses of the same strength that do not depend on each other, each with either sign", () => {
    const model = network(24, 2).initialise({ method: "pytorch", seed: 0 });
    whitenFirstConvolution(model, PICTURES, OPTIONS);
    const made = responses(model, 24, 2);
    const meanProduct = (a: number, b: number) => made.reduce((sum, row) => sum + row[a]! * row[b]!, 0) / made.length;
    for (let k = 0; k < 12; k++) {
      expect(meanProduct(2 * k, 2 * k)).toBeCloseTo(1, 2);
      expect(meanProduct(2 * k, 2 * k + 1)).toBeCloseTo(-1, 2);
      for (let other = 0; other < k; other++) expect(meanProduct(2 * k, 2 * other)).toBeCloseTo(0, 2);
    }
    expect(model.parameters.get("0.bias")!.data).toEqual(new Float32Array(24));
  });

  it("takes the strongest components where filters are few, scaled, and leaves those that are left over alone", () => {
    const whole = network(24, 2);
    whitenFirstConvolution(whole, PICTURES, OPTIONS);
    const few = network(4, 2);
    whitenFirstConvolution(few, PICTURES, { ...OPTIONS, scale: 0.5 });
    const all = whole.parameters.get("0.weight")!.data;
    for (const [index, value] of few.parameters.get("0.weight")!.data.entries()) {
      expect(value).toBeCloseTo(all[Math.floor(index / 4) * 24 + (index % 4)]! / 2, 5);
    }
    const many = network(26, 2).initialise({ method: "pytorch", seed: 1 });
    const before = many.clone();
    whitenFirstConvolution(many, PICTURES, OPTIONS);
    for (const filter of [24, 25]) {
      expect(many.parameters.get("0.weight")!.data[filter]).toBe(before.parameters.get("0.weight")!.data[filter]);
      expect(many.parameters.get("0.bias")!.data[filter]).toBe(before.parameters.get("0.bias")!.data[filter]);
    }
  });

  it("needs a convolution first, whose kernel is not larger than the picture", () => {
    const flat = new Sequential({ input: [8, 8, 3], layers: [flatten(), linear({ outputs: 3 })] });
    expect(() => whitenFirstConvolution(flat, PICTURES, OPTIONS)).toThrow(/does not begin with a convolution/);
    const wide = new Sequential({ input: [8, 8, 3], layers: [conv2d({ filters: 2, kernel: 9, padding: 1 })] });
    expect(() => whitenFirstConvolution(wide, PICTURES, OPTIONS)).toThrow(/no patch of 9×9/);
  });
});
