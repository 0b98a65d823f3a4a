/**
 * Instructions by the names of the WebAssembly specification, with their opcodes; those with prefix 0xfd are SIMD.
 * Only instructions without immediates stand here: what has immediates is a method of the assembler.
 */
export const OPCODES = {
  "i32.ne": [0x47],
  "i32.add": [0x6a],
  "i32.and": [0x71],
  "i32.or": [0x72],
  "i32.shl": [0x74],
  "f32.add": [0x92],
  "f32.mul": [0x94],
  "f32.sqrt": [0x91],

  "i32x4.splat": [0xfd, 0x11],
  "f32x4.splat": [0xfd, 0x13],
  "v128.and": [0xfd, 0x4e],
  "v128.andnot": [0xfd, 0x4f],
  "v128.or": [0xfd, 0x50],
  "v128.xor": [0xfd, 0x51],
  "i16x8.ge_u": [0xfd, 0x36],
  "i32x4.eq": [0xfd, 0x37],
  "f32x4.eq": [0xfd, 0x41],
  "f32x4.gt": [0xfd, 0x44],
  "f32x4.le": [0xfd, 0x45],
  "i8x16.bitmask": [0xfd, 0x64],
  "i8x16.narrow_i16x8_s": [0xfd, 0x65],
  "i16x8.narrow_i32x4_u": [0xfd, 0x86],
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
  "f32x4.pmax": [0xfd, 0xeb],
} as const satisfies Record<string, readonly number[]>;

/** An instruction without immediates. */
export type Instruction = keyof typeof OPCODES;

/** Loads and stores: opcode and the binary logarithm of their natural alignment. */
export const MEMORY_OPCODES = {
  "i32.load": [[0x28], 2],
  "f32.load": [[0x2a], 2],
  "i32.store": [[0x36], 2],
  "v128.load": [[0xfd, 0x00], 4],
  "v128.load32_splat": [[0xfd, 0x09], 2],
  "v128.store": [[0xfd, 0x0b], 4],
} as const satisfies Record<string, readonly [readonly number[], number]>;

/** A load or a store. */
export type MemoryInstruction = keyof typeof MEMORY_OPCODES;

/** Types of values, with their codes. */
export const VALUE_TYPES = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;

/** A type of values. */
export type ValueType = keyof typeof VALUE_TYPES;
