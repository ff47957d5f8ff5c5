/** What wrappers put before names, any number of them: "module.model.conv1.weight". */
const WRAPPERS = /^((module|model|_orig_mod|basic_net|net|1)\.)+/;

/** Names by which public code bases call the same layers: torchvision's first, Kuang Liu's second. */
const SYNONYMS: readonly (readonly [string, string])[] = [["downsample", "shortcut"], ["fc", "linear"]];

/**
 * What no network computes with: counters of batch norm, the unused copy of block1 in the code of TRADES, the second
 * copy of the network in the files of MadryLab/robustness.
 */
const UNUSED = /(^|\.)(num_batches_tracked$|sub_block1\.|attacker\.)/;

/** Whether no network computes with what a key names. */
export function isUnused(key: string): boolean {
  return UNUSED.test(key);
}

/** A key without what wrappers put before it. */
export function bareName(key: string): string {
  return key.replace(WRAPPERS, "");
}

/** The name of this library for a key of a state_dict, undefined where it has none. */
export function nameFor(key: string, has: (name: string) => boolean): string | undefined {
  for (let name = key;; name = name.slice(name.indexOf(".") + 1)) {
    if (has(name)) return name;
    const other = name.split(".").map((part) => {
      const pair = SYNONYMS.find((pair) => pair.includes(part));
      return pair === undefined ? part : pair[1 - pair.indexOf(part)];
    }).join(".");
    if (has(other)) return other;
    if (!WRAPPERS.test(name)) return undefined;
  }
}
