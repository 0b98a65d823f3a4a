/** Paints small pictures side by side into one canvas, a free pixel between them. */
export function paintTiles(
  canvas: HTMLCanvasElement,
  tiles: {
    readonly count: number;
    readonly columns: number;
    readonly height: number;
    readonly width: number;
    /** Red, green and blue of a pixel, 0 to 255, into `to`. */
    readonly paint: (tile: number, pixel: number, to: Uint8ClampedArray) => void;
  },
): void {
  const { count, columns, height, width, paint } = tiles;
  const rows = Math.ceil(count / columns);
  const across = columns * (width + 1) - 1;
  const down = rows * (height + 1) - 1;
  // Setting a size clears and lays out anew, even where it stays the same.
  if (canvas.width !== across) canvas.width = across;
  if (canvas.height !== down) canvas.height = down;
  const image = new ImageData(across, down);
  for (let tile = 0; tile < count; tile++) {
    const top = Math.floor(tile / columns) * (height + 1);
    const left = (tile % columns) * (width + 1);
    for (let pixel = 0; pixel < height * width; pixel++) {
      const y = top + Math.floor(pixel / width);
      const x = left + (pixel % width);
      const at = (y * across + x) * 4;
      paint(tile, pixel, image.data.subarray(at, at + 3));
      image.data[at + 3] = 255;
    }
  }
  canvas.getContext("2d")!.putImageData(image, 0, 0);
}

/** Paints one picture of [height, width, 3] bytes. */
export function paintPicture(canvas: HTMLCanvasElement, picture: Uint8Array, side = 32): void {
  paintTiles(canvas, {
    count: 1,
    columns: 1,
    height: side,
    width: side,
    paint: (_, pixel, to) => to.set(picture.subarray(pixel * 3, pixel * 3 + 3)),
  });
}
