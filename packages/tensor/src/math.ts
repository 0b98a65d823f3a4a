/*
 * exp and log from additions, multiplications and divisions alone. Math.exp and Math.log may differ in their last bit from
 * engine to engine; these cannot, as IEEE 754 fixes every step. Errors are below 2 units in the last place.
 */

const LOG2_E = Math.LOG2E;
/** ln 2 in two parts, the first with so few bits that n · LN2_HIGH is exact (Cody and Waite). */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;

/** Taylor coefficients 1/k! of exp, from k = 13 down to 0: enough for |r| ≤ ln 2 / 2 in float64. */
const EXP_COEFFICIENTS: readonly number[] = taylorOfExp(13);

function taylorOfExp(degree: number): number[] {
  const coefficients = [1];
  for (let k = 1; k <= degree; k++) coefficients.unshift(coefficients[0]! / k);
  return coefficients;
}

/** Beyond these the result would not be a normal number. */
const LEAST = -708;
const GREATEST = 709;

const bits = new DataView(new ArrayBuffer(8));

/** 2^n for −1022 ≤ n ≤ 1023. */
function powerOfTwo(n: number): number {
  bits.setUint32(0, (n + 1023) << 20);
  bits.setUint32(4, 0);
  return bits.getFloat64(0);
}

/** e^x for x from −708 to 709; what lies outside is taken as that end, NaN stays NaN. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  const clamped = Math.min(Math.max(x, LEAST), GREATEST);
  const n = Math.floor(clamped * LOG2_E + 0.5);
  const r = clamped - n * LN2_HIGH - n * LN2_LOW;
  let sum = EXP_COEFFICIENTS[0]!;
  for (let k = 1; k < EXP_COEFFICIENTS.length; k++) sum = sum * r + EXP_COEFFICIENTS[k]!;
  return sum * powerOfTwo(n);
}

/**
 * ln x for normal x > 0: x = m · 2^n with m near 1, ln m = 2 artanh(s) with s = f / (2 + f), f = m − 1, as a series. As 2s =
 * f − s·f, that is f − s·(f − r): f is exact, so what s is rounded by counts for little (as in fdlibm's e_log.c).
 */
export function log(x: number): number {
  if (!(x > 0) || x === Number.POSITIVE_INFINITY) return x === 0 ? Number.NEGATIVE_INFINITY : x > 0 ? x : Number.NaN;
  bits.setFloat64(0, x);
  const high = bits.getUint32(0);
  let n = (high >>> 20) - 1023;
  bits.setUint32(0, (high & 0xfffff) | (1023 << 20));
  let m = bits.getFloat64(0);
  if (m > Math.SQRT2) {
    m /= 2;
    n += 1;
  }
  const f = m - 1;
  const s = f / (m + 1);
  const s2 = s * s;
  // |s| ≤ 0.172, so that s^23 / 23 is below 2^-62 of the first term.
  let sum = 0;
  for (let k = 23; k >= 3; k -= 2) sum = sum * s2 + 2 / k;
  return n * LN2_HIGH + (f - (s * (f - sum * s2) - n * LN2_LOW));
}
