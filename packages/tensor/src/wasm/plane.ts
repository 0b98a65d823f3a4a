import { FunctionBuilder } from "./assembler.js";
import { FLOAT } from "./vectors.js";

/** Where a picture's pixels lie on a larger (or smaller) plane of zeros. */
export interface Placement {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly planeHeight: number;
  readonly planeWidth: number;
  /** Row and column of the picture's first pixel on the plane; if negative, what lies outside is left out. */
  readonly offset: number;
  /** Distance of neighbouring pixels on the plane: the rest is zeros. */
  readonly step: number;
}

/** True if the plane would be the picture itself. */
export function isIdentity(placement: Placement): boolean {
  const { height, width, planeHeight, planeWidth, offset, step } = placement;
  return offset === 0 && step === 1 && height === planeHeight && width === planeWidth;
}

/** Bytes of a plane. */
export function planeBytes({ planeHeight, planeWidth, channels }: Placement): number {
  return planeHeight * planeWidth * channels * FLOAT;
}

/** First and one past the last index along one side whose place is on the plane. */
function placed(size: number, planeSize: number, { offset, step }: Placement): { from: number; to: number } {
  const from = Math.max(0, Math.ceil(-offset / step));
  return { from, to: Math.max(from, Math.min(size, Math.ceil((planeSize - offset) / step))) };
}

/** Emits `place(picture, plane)`: writes all of the plane. */
export function emitPlace(placement: Placement): FunctionBuilder {
  const { width, channels, planeWidth, offset, step } = placement;
  const rows = placed(placement.height, placement.planeHeight, placement);
  const columns = placed(width, planeWidth, placement);
  const f = new FunctionBuilder(["i32", "i32"]);
  const [picture, plane] = f.parameters;
  const counter = f.local("i32");
  const pixels = f.local("i32");
  const pixelBytes = channels * FLOAT;
  const rowBytes = planeWidth * pixelBytes;
  const zero = (bytes: number) => {
    if (bytes > 0) f.get(plane).i32(0).i32(bytes).memoryFill().increment(plane, bytes);
  };
  const copy = (bytes: number) => {
    f.get(plane).get(picture).i32(bytes).memoryCopy().increment(plane, bytes).increment(picture, bytes);
  };
  const rowCount = rows.to - rows.from;
  const columnCount = columns.to - columns.from;
  if (rowCount === 0 || columnCount === 0) {
    zero(planeBytes(placement));
    return f;
  }
  const left = (offset + columns.from * step) * pixelBytes;
  const last = offset + (columns.to - 1) * step;
  const right = (planeWidth - 1 - last) * pixelBytes;
  const top = offset + rows.from * step;
  const bottom = placement.planeHeight - 1 - (offset + (rows.to - 1) * step);

  const gap = (step - 1) * pixelBytes;
  const placeRow = () => {
    zero(left);
    if (step === 1) copy(columnCount * pixelBytes);
    else {
      // Gaps lie between pixels: after the last one the right edge follows, which may be narrower.
      if (columnCount > 1) {
        f.repeat(pixels, columnCount - 1, () => {
          copy(pixelBytes);
          zero(gap);
        });
      }
      copy(pixelBytes);
    }
    zero(right);
  };

  zero(top * rowBytes);
  f.increment(picture, (rows.from * width + columns.from) * pixelBytes);
  if (rowCount > 1) {
    f.repeat(counter, rowCount - 1, () => {
      placeRow();
      f.increment(picture, (width - columnCount) * pixelBytes);
      zero((step - 1) * rowBytes);
    });
  }
  placeRow();
  zero(bottom * rowBytes);
  return f;
}
