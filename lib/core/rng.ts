import { assertDrawsAllowed } from "./draws.ts";
import { sizeOf } from "./ndarray.ts";

/** Four unsigned 32-bit words: a counter or an output block of Philox4x32. */
export type Words4 = readonly [number, number, number, number];

/** Two unsigned 32-bit words: a key of Philox4x32. */
export type Words2 = readonly [number, number];

/**
 * A stream of random numbers that is named, not advanced: an `Rng` is a value, every call starts at counter 0, and the
 * same call gives the same numbers. Numbers for another purpose, image or step come from a {@linkcode Rng.child}.
 * A draw inside a traced function throws a TypeError, as it would be kept there as a constant.
 */
export interface Rng {
  /** Seed of the root. */
  readonly seed: number;
  /** Names from the root to here. */
  readonly path: readonly (string | number)[];
  /**
   * The stream below this one that the keys name; `child("a").child("b")` is `child("a", "b")`, `1` is not `"1"`.
   *
   * @throws {RangeError} If a key is not a finite number or a string.
   */
  child(...keys: readonly (string | number)[]): Rng;
  /**
   * Uniform numbers low + (high - low) * u, u in [0, 1) with 24 bits, rounded to float32 (which can give `high`
   * itself where the ends are not 0 and 1).
   */
  uniform(shape: number | readonly number[], low?: number, high?: number): Float32Array;
  /** Normal numbers mean + std * z, z by the Box-Muller transform (Box and Muller, 1958). */
  normal(shape: number | readonly number[], mean?: number, std?: number): Float32Array;
  /**
   * Integers 0 <= k < below, each equally likely to 2^-22 (53 random bits are scaled, none rejected).
   *
   * @throws {RangeError} If `below` is not an integer from 1 to 2^31.
   */
  integers(shape: number | readonly number[], below: number): Int32Array;
  /** A random order of 0 .. n-1 (Fisher-Yates shuffle). */
  permutation(n: number): Uint32Array;
}

/**
 * A counter-based stream: the numbers are a pure function of the seed, the keys and the position, so that they depend
 * neither on batch size, nor on order, nor on where a run was interrupted.
 *
 * Differs from the usual generators in having no state: `rng(1).uniform(3)` is the same at every call.
 *
 * @param seed Any finite number; commonly a small integer.
 * @param keys Names of the purpose: `rng(1, "attack", "pgd", image)`.
 * @returns The stream.
 * @throws {RangeError} If the seed or a key is not finite.
 */
export function rng(seed: number, ...keys: readonly (string | number)[]): Rng {
  return stream(seed, keys, keys.reduce<Words2>(fold, fold([0, 0], seed)));
}

/**
 * Philox4x32-10: ten rounds of a keyed bijection of 128-bit counters.
 *
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011), section 3.3.
 *
 * @param counter Which block.
 * @param key Which stream.
 * @returns Four uniformly distributed unsigned 32-bit words.
 */
export function philox4x32(counter: Words4, key: Words2): Words4 {
  const out = new Uint32Array(4);
  philox(out, 0, counter[0], counter[1], counter[2], counter[3], key[0], key[1]);
  return [out[0]!, out[1]!, out[2]!, out[3]!];
}

/** Last counter word: separates what is drawn, and the derivation of keys, under one key. */
const Domain = { key: 1, uniform: 2, normal: 3, integers: 4, permutation: 5 } as const;

function stream(seed: number, path: readonly (string | number)[], key: Words2): Rng {
  return {
    seed,
    path,
    child: (...keys) => stream(seed, [...path, ...keys], keys.reduce<Words2>(fold, key)),
    uniform(shape, low = 0, high = 1) {
      const n = lengthOf(shape);
      const words = draw(key, Domain.uniform, n);
      const scale = (high - low) * 2 ** -24;
      const result = new Float32Array(n);
      for (let i = 0; i < n; i++) result[i] = low + (words[i]! >>> 8) * scale;
      return result;
    },
    normal(shape, mean = 0, std = 1) {
      const n = lengthOf(shape);
      const words = draw(key, Domain.normal, n);
      const result = new Float32Array(n);
      for (let i = 0; i < n; i += 2) {
        const radius = std * Math.sqrt(-2 * Math.log((words[i]! + 1) * 2 ** -32));
        const angle = words[i + 1]! * (2 * Math.PI * 2 ** -32);
        result[i] = mean + radius * Math.cos(angle);
        if (i + 1 < n) result[i + 1] = mean + radius * Math.sin(angle);
      }
      return result;
    },
    integers(shape, below) {
      if (!Number.isInteger(below) || below < 1 || below > 2 ** 31) {
        throw new RangeError(`Cannot draw integers below ${below}: it needs an integer from 1 to 2^31`);
      }
      const n = lengthOf(shape);
      const words = draw(key, Domain.integers, 2 * n);
      const result = new Int32Array(n);
      for (let i = 0; i < n; i++) result[i] = Math.floor(unit53(words, i) * below);
      return result;
    },
    permutation(n) {
      const result = Uint32Array.from({ length: lengthOf(n) }, (_, i) => i);
      const words = draw(key, Domain.permutation, 2 * n);
      for (let i = n - 1; i > 0; i--) {
        const j = Math.floor(unit53(words, i) * (i + 1));
        const other = result[j]!;
        result[j] = result[i]!;
        result[i] = other;
      }
      return result;
    },
  };
}

/** Element i of the words, two by two, as a number in [0, 1) with 53 bits. */
function unit53(words: Uint32Array, i: number): number {
  return ((words[2 * i]! >>> 5) * 2 ** 26 + (words[2 * i + 1]! >>> 6)) * 2 ** -53;
}

function lengthOf(shape: number | readonly number[]): number {
  const n = typeof shape === "number" ? shape : sizeOf(shape);
  if (!Number.isInteger(n) || n < 0) {
    throw new RangeError(`Cannot draw ${n} numbers: it needs an integer of 0 or more`);
  }
  return n;
}

/** At least n words of a stream: block i is the counter [i, 0, 0, domain]. */
function draw(key: Words2, domain: number, n: number): Uint32Array {
  assertDrawsAllowed();
  const blocks = Math.ceil(n / 4);
  const words = new Uint32Array(4 * blocks);
  for (let block = 0; block < blocks; block++) philox(words, 4 * block, block, 0, 0, domain, key[0], key[1]);
  return words;
}

/**
 * The key of a child: each key part is written as blocks of counters that begin with its kind and length (so that no
 * two paths are written alike), and every block replaces the key by half of its output under the old one, as JAX's
 * `fold_in` does with Threefry.
 */
function fold(key: Words2, part: string | number): Words2 {
  if (typeof part === "number") {
    if (!Number.isFinite(part)) throw new RangeError(`Cannot use ${part} as a seed or key: it needs a finite number`);
    BITS.setFloat64(0, part + 0 === 0 ? 0 : part);
    return foldBlock(key, 1, BITS.getUint32(0), BITS.getUint32(4));
  }
  if (typeof part !== "string") throw new RangeError(`Cannot use ${part} as a key: it needs a number or a string`);
  let result = foldBlock(key, 2, part.length, 0);
  for (let i = 0; i < part.length; i += 4) {
    const units = [0, 1, 2, 3].map((k) => i + k < part.length ? part.charCodeAt(i + k) : 0) as unknown as Words4;
    result = foldBlock(result, 3, units[0] << 16 | units[1], units[2] << 16 | units[3]);
  }
  return result;
}

const BITS = new DataView(new ArrayBuffer(8));
const BLOCK = new Uint32Array(4);

function foldBlock(key: Words2, kind: number, high: number, low: number): Words2 {
  philox(BLOCK, 0, kind, high >>> 0, low >>> 0, Domain.key, key[0], key[1]);
  return [BLOCK[0]!, BLOCK[1]!];
}

/** One block of Philox4x32-10 into `out[at .. at+3]`; products of 32-bit words are taken in 16-bit halves. */
function philox(
  out: Uint32Array,
  at: number,
  counter0: number,
  counter1: number,
  counter2: number,
  counter3: number,
  key0: number,
  key1: number,
): void {
  let c0 = counter0 | 0;
  let c1 = counter1 | 0;
  let c2 = counter2 | 0;
  let c3 = counter3 | 0;
  let k0 = key0 | 0;
  let k1 = key1 | 0;
  for (let round = 0; round < 10; round++) {
    // High and low words of 0xD2511F53 * c0 and of 0xCD9E8D57 * c2.
    const aLow = c0 & 0xffff;
    const aHigh = c0 >>> 16;
    const aCross = Math.imul(aHigh, 0x1f53) + (Math.imul(aLow, 0x1f53) >>> 16) | 0;
    const aMiddle = Math.imul(aLow, 0xd251) + (aCross & 0xffff) | 0;
    const highA = Math.imul(aHigh, 0xd251) + (aCross >>> 16) + (aMiddle >>> 16) | 0;
    const bLow = c2 & 0xffff;
    const bHigh = c2 >>> 16;
    const bCross = Math.imul(bHigh, 0x8d57) + (Math.imul(bLow, 0x8d57) >>> 16) | 0;
    const bMiddle = Math.imul(bLow, 0xcd9e) + (bCross & 0xffff) | 0;
    const highB = Math.imul(bHigh, 0xcd9e) + (bCross >>> 16) + (bMiddle >>> 16) | 0;
    const lowA = Math.imul(c0, 0xd2511f53);
    const lowB = Math.imul(c2, 0xcd9e8d57);
    c0 = highB ^ c1 ^ k0;
    c1 = lowB;
    c2 = highA ^ c3 ^ k1;
    c3 = lowA;
    k0 = k0 + 0x9e3779b9 | 0;
    k1 = k1 + 0xbb67ae85 | 0;
  }
  out[at] = c0;
  out[at + 1] = c1;
  out[at + 2] = c2;
  out[at + 3] = c3;
}
