/**
 * Whether a name matches a glob: "*" stands for any run of characters, dots included, "?" for one character.
 *
 * @param glob "layer1.*", "*.bias".
 * @param name "layer1.0.conv1.weight".
 * @returns Whether the whole name matches.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { matchesGlob } from "@kdiga/kdiga";
 *
 * assertEquals(matchesGlob("layer?.*", "layer1.0.conv1.weight"), true);
 * assertEquals(matchesGlob("layer1", "layer1.0.conv1.weight"), false);
 * ```
 */
export function matchesGlob(glob: string, name: string): boolean {
  // Where a star can take one character more after a mismatch; linear in memory, never exponential.
  let [g, n, star, taken] = [0, 0, -1, 0];
  while (n < name.length) {
    if (glob[g] === "*") [star, taken] = [g++, n];
    else if (glob[g] === "?" || glob[g] === name[n]) [g, n] = [g + 1, n + 1];
    else if (star >= 0) [g, n] = [star + 1, ++taken];
    else return false;
  }
  while (glob[g] === "*") g++;
  return g === glob.length;
}
