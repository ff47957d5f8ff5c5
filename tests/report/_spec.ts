import { assertEquals } from "@std/assert";
import type { TopLevelSpec } from "../../lib/report/mod.ts";

/** Compares with the JSON file of that name in tests/golden; `deno test -A tests/report -- --update` rewrites it. */
export async function assertGolden(name: string, spec: TopLevelSpec): Promise<void> {
  const path = new URL(`../golden/${name}.vl.json`, import.meta.url);
  if (Deno.args.includes("--update")) await Deno.writeTextFile(path, `${JSON.stringify(spec, null, 2)}\n`);
  assertEquals(JSON.parse(JSON.stringify(spec)), JSON.parse(await Deno.readTextFile(path)));
}

/** Every view of a specification with the rows that it draws and the fields that its encoding names. */
export function viewsOf(spec: TopLevelSpec): { rows: Record<string, unknown>[]; fields: string[] }[] {
  const views: { rows: Record<string, unknown>[]; fields: string[] }[] = [];
  walk(spec as unknown as Node, []);
  return views;

  function walk(node: Node, inherited: Record<string, unknown>[]): void {
    const rows = node.data?.values ?? inherited;
    if (node.encoding !== undefined) {
      const fields = Object.values(node.encoding).flatMap((channel) =>
        channel.field === undefined ? [] : channel.field
      );
      views.push({ rows, fields });
    }
    for (const child of [...node.layer ?? [], ...node.vconcat ?? [], ...node.concat ?? []]) walk(child, rows);
  }
}

interface Node {
  readonly data?: { readonly values: Record<string, unknown>[] };
  readonly encoding?: Record<string, { readonly field?: string }>;
  readonly layer?: Node[];
  readonly vconcat?: Node[];
  readonly concat?: Node[];
}
