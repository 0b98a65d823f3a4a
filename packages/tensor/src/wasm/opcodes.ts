/**
 * Instructions by the names of the WebAssembly specification, with their opcodes; those with prefix 0xfd are SIMD.
 * Only instructions without immediates stand here: what has immediates is a method of the assembler.
 */
export const OPCODES = {
  "i32.eqz": [0x45],
  "i32.eq": [0x46],
  "i32.ne": [0x47],
  "i32.lt_s": [0x48],
  "i32.lt_u": [0x49],
  "i32.gt_s": [0x4a],
  "i32.ge_s": [0x4e],
  "i32.add": [0x6a],
  "i32.sub": [0x6b],
  "i32.mul": [0x6c],
  "i32.and": [0x71],
  "i32.or": [0x72],
  "i32.xor": [0x73],
  "i32.shl": [0x74],
  "i32.shr_s": [0x75],
  "i32.shr_u": [0x76],
  "i64.add": [0x7c],
  "i64.sub": [0x7d],
  "i64.and": [0x83],
  "i64.or": [0x84],
  "i64.shl": [0x86],
  "i64.shr_u": [0x88],
  "f32.eq": [0x5b],
  "f32.gt": [0x5e],
  "f32.add": [0x92],
  "f32.sub": [0x93],
  "f32.mul": [0x94],
  "f32.div": [0x95],
  "f32.max": [0x97],
  "f32.sqrt": [0x91],
  "f64.add": [0xa0],
  "f64.sub": [0xa1],
  "f64.mul": [0xa2],
  "f64.div": [0xa3],
  "f64.min": [0xa4],
  "f64.max": [0xa5],
  "f64.floor": [0x9c],
  "f64.gt": [0x64],
  "i32.trunc_f64_s": [0xaa],
  "i64.extend_i32_s": [0xac],
  "i32.wrap_i64": [0xa7],
  "f32.demote_f64": [0xb6],
  "f64.promote_f32": [0xbb],
  "f64.convert_i32_s": [0xb7],
  "f64.reinterpret_i64": [0xbf],
  "i64.reinterpret_f64": [0xbd],
  select: [0x1b],
  drop: [0x1a],
  return: [0x0f],

  "i32x4.splat": [0xfd, 0x11],
  "f32x4.splat": [0xfd, 0x13],
  "v128.not": [0xfd, 0x4d],
  "v128.and": [0xfd, 0x4e],
  "v128.andnot": [0xfd, 0x4f],
  "v128.or": [0xfd, 0x50],
  "v128.xor": [0xfd, 0x51],
  "v128.bitselect": [0xfd, 0x52],
  "i32x4.eq": [0xfd, 0x37],
  "i32x4.ne": [0xfd, 0x38],
  "i32x4.ge_s": [0xfd, 0x3f],
  "i32x4.ge_u": [0xfd, 0x40],
  "f32x4.eq": [0xfd, 0x41],
  "f32x4.gt": [0xfd, 0x44],
  "i32x4.bitmask": [0xfd, 0xa4],
  "i32x4.shl": [0xfd, 0xab],
  "i32x4.shr_u": [0xfd, 0xad],
  "i32x4.add": [0xfd, 0xae],
  "i32x4.mul": [0xfd, 0xb5],
  "i64x2.extmul_low_i32x4_u": [0xfd, 0xde],
  "i64x2.extmul_high_i32x4_u": [0xfd, 0xdf],
  "f32x4.add": [0xfd, 0xe4],
  "f32x4.sub": [0xfd, 0xe5],
  "f32x4.mul": [0xfd, 0xe6],
  "f32x4.div": [0xfd, 0xe7],
  "f32x4.max": [0xfd, 0xe9],
} as const satisfies Record<string, readonly number[]>;

/** An instruction without immediates. */
export type Instruction = keyof typeof OPCODES;

/** Loads and stores: opcode and the binary logarithm of their natural alignment. */
export const MEMORY_OPCODES = {
  "i32.load": [[0x28], 2],
  "f32.load": [[0x2a], 2],
  "i32.store": [[0x36], 2],
  "f32.store": [[0x38], 2],
  "v128.load": [[0xfd, 0x00], 4],
  "v128.load32_splat": [[0xfd, 0x09], 2],
  "v128.store": [[0xfd, 0x0b], 4],
  "v128.load32_zero": [[0xfd, 0x5c], 2],
} as const satisfies Record<string, readonly [readonly number[], number]>;

/** A load or a store. */
export type MemoryInstruction = keyof typeof MEMORY_OPCODES;

/** Types of values, with their codes. */
export const VALUE_TYPES = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;

/** A type of values. */
export type ValueType = keyof typeof VALUE_TYPES;
