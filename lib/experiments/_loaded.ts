import { type DataSpec, loadData, type LoadedData, type SkippedImage } from "../data/mod.ts";
import type { RunEvent } from "./run.ts";

/** Images, and the damaged files that are missing from them, by the name of the data set. */
export interface Loaded {
  readonly data: LoadedData;
  readonly skipped: ReadonlyMap<string, readonly SkippedImage[]>;
}

/** What of the images is needed. */
export interface Needs {
  readonly train: boolean;
  /** The first n images of splits. */
  readonly images: readonly { readonly split?: "test" | "validation"; readonly n: number }[];
}

/** Loads as many images as are needed, telling how far it has come and which damaged files it leaves out. */
export async function* loaded(
  spec: DataSpec,
  path: string | undefined,
  { train, images }: Needs,
): AsyncGenerator<Extract<RunEvent, { readonly kind: "progress" | "skipped" }>, Loaded, void> {
  yield { kind: "progress", label: "load data", done: 0, total: 1 };
  const most = (name: "test" | "validation") =>
    Math.max(0, ...images.filter(({ split = "test" }) => split === name).map(({ n }) => n));
  const skipped = new Map<string, SkippedImage[]>();
  let latest: RunEvent & { readonly kind: "progress" } | undefined;
  let wake = () => {};
  let data: LoadedData | undefined;
  const loading = loadData(spec, {
    ...(path === undefined ? {} : { path }),
    uses: { train, validation: most("validation"), test: most("test") },
    onProgress: (done, total, name) => {
      latest = { kind: "progress", label: `decode ${name}`, done, total };
      wake();
    },
    onSkipped: (image, name) => skipped.set(name, [...skipped.get(name) ?? [], image]),
  }).then((result) => data = result).finally(() => wake());
  loading.catch(() => {}); // told below
  while (data === undefined) {
    const change = new Promise<void>((resolve) => wake = resolve);
    await Promise.race([loading, change]);
    if (latest !== undefined) yield latest;
    latest = undefined;
  }
  for (const [name, images] of skipped) yield { kind: "skipped", name, images };
  return { data, skipped };
}
