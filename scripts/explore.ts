/**
 * Serves a page on this machine in which the networks of a run can be attacked by hand.
 *
 * @module
 */
import {
  cardPath,
  DataError,
  encodeSafetensors,
  labelOf,
  loadData,
  loadWeights,
  methodOrder,
  methodStyles,
  namesIn,
  toPyTorch,
  UsageError,
} from "../mod.ts";
import { runCommand } from "./_command.ts";
import { dataOption } from "./_data.ts";
import { bundleForBrowser } from "./_explore_bundle.ts";
import type { ExploredRun } from "./_explore_protocol.ts";
import { type ExploredFile, type ExploredPage, explorePage } from "./_explore_server.ts";
import { damagedFiles } from "./_follow.ts";
import { IMAGE_FLAGS, imagesOf } from "./_images.ts";
import { nameOf } from "./_models.ts";
import { loadOptionsOf, MODEL_FLAGS } from "./_model.ts";
import { createProgress } from "./_progress.ts";

await runCommand({
  name: "explore",
  usage: "<run folder or weights ...>",
  arity: [1, Infinity],
  about:
    `Open a page on this machine (127.0.0.1) in which the networks of a run, or weights with their cards, are attacked
by hand: pick an image, an attack and a radius, and watch what the network says. The library itself computes in the
browser; nothing is sent elsewhere. It ends at Ctrl-C.`,
  flags: {
    port: { value: "N", help: "port of the address (default: a free one)" },
    open: { help: "open the page in the browser of this machine" },
    ...IMAGE_FLAGS,
    n: { value: "N", help: "first images of the split (default: 200, or all where there are fewer)" },
    ...MODEL_FLAGS,
  },
  resumable: true,
  main: async ({ args, flags, json, signal }) => {
    const port = flags.port === undefined ? 0 : portOf(flags.port);
    const progress = createProgress();
    const page = await pageOf(args, flags, progress);
    signal.throwIfAborted();
    progress.say("making the page");
    const scripts = await bundleForBrowser(["_explore_page.ts", "_explore_worker.ts"]).catch((error) => {
      signal.throwIfAborted();
      throw error;
    });
    signal.throwIfAborted();
    const server = serve(explorePage({ ...page, files: await filesOf(scripts) }), port);
    const url = `http://127.0.0.1:${server.addr.port}/`;
    await progress.end();
    // Not at the end, as of other commands: who reads it wants to open the page.
    console.log(json ? JSON.stringify({ url }) : `${page.run.title}: ${url} (Ctrl-C ends it)`);
    if (flags.open) {
      await openBrowser(url).catch(() => progress.say(`no browser could be opened: open ${url} yourself`));
    }
    const ended = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => ended.resolve());
    if (signal.aborted) ended.resolve();
    await ended.promise;
    await server.shutdown();
    Deno.exit(0);
  },
});

/** Reads networks and images. */
async function pageOf(
  args: readonly string[],
  flags: Parameters<typeof imagesOf>[0] & Parameters<typeof loadOptionsOf>[0],
  { show, say }: Pick<ReturnType<typeof createProgress>, "show" | "say">,
): Promise<Omit<ExploredPage, "files">> {
  const paths = (await Promise.all(args.map(weightsIn))).flat();
  const loads = await loadOptionsOf(flags, paths);
  const loaded = await Promise.all(paths.map((path, i) => loadWeights(path, loads[i]!)));
  const [first] = loaded as [typeof loaded[number]];
  const odd = loaded.findIndex(({ card }) =>
    String(card.inputShape) !== String(first.card.inputShape) || card.classes.length !== first.card.classes.length
  );
  if (odd !== -1) {
    throw new UsageError(
      `Cannot show "${paths[odd]}" beside "${paths[0]}" as its images or classes are others: explore them one by one`,
    );
  }
  const { data: spec, seed, split, n } = imagesOf({ n: "200", ...flags }, first.card, paths[0]!);
  const { data: path } = await dataOption(flags.data, spec);
  const damaged = damagedFiles({ say });
  const data = await loadData(spec, {
    ...(path === undefined ? {} : { path }),
    uses: { train: false, validation: split === "validation" ? n : 0, test: split === "test" ? n : 0 },
    onProgress: (done, total, name) => show({ label: `decode ${name}`, done, total }),
    onSkipped: (image, name) => damaged.tell(name, [image]),
  });
  damaged.sum();
  const all = data[split];
  if (String(all.imageShape) !== String(first.card.inputShape) || all.classes.length !== first.card.classes.length) {
    throw new DataError(
      `Cannot show "${paths[0]}" the images of ${all.name} as they are [${all.imageShape}] in ${all.classes.length} ` +
        `classes, not [${first.card.inputShape}] in ${first.card.classes.length}: write another --dataset`,
    );
  }
  const names = paths.map(nameOf);
  const styles = methodStyles(names);
  const run: ExploredRun = {
    title: titleOf(args[0]!),
    seed,
    networks: loaded.map(({ card }, i) => ({
      name: names[i]!,
      label: labelOf(names[i]!),
      color: styles.get(names[i]!)!.color,
      card,
    })),
    data: {
      kind: spec.kind,
      split,
      classes: all.classes,
      imageShape: all.imageShape,
      ids: [...all.ids.subarray(0, n)],
      labels: [...all.labels.subarray(0, n)],
    },
  };
  const weights = loaded.map(({ weights }) =>
    encodeSafetensors({ tensors: toPyTorch(weights as never) }) as Uint8Array<ArrayBuffer>
  );
  return { run, weights, dataset: all };
}

/** A file of weights, or those of a run's folder in the order of figures. */
async function weightsIn(path: string): Promise<string[]> {
  const { isDirectory } = await Deno.stat(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new DataError(`Cannot explore "${path}" as there is no such file or folder: check the path`);
  });
  if (!isDirectory) return [path];
  const folder = `${path.replace(/(?<=.)[\\/]+$/, "")}/checkpoints`;
  const found: string[] = [];
  for (const name of await namesIn(folder, ".safetensors")) {
    if (await isFile(cardPath(`${folder}/${name}`))) found.push(name);
  }
  if (found.length === 0) {
    throw new DataError(`Cannot explore "${path}" as it has no checkpoints/*.safetensors: name the folder of a run`);
  }
  const files = new Map(found.map((file) => [file.replace(/\.safetensors$/, ""), file]));
  return methodOrder(files.keys()).map((name) => `${folder}/${files.get(name)!}`);
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isFile }) => isFile, () => false);
}

function titleOf(path: string): string {
  return path.replaceAll("\\", "/").replace(/\/+$/, "").split("/").at(-1)!;
}

/** The page and what it loads. */
async function filesOf([page, worker]: readonly Uint8Array<ArrayBuffer>[]): Promise<Map<string, ExploredFile>> {
  const read = (name: string) => Deno.readTextFile(new URL(name, import.meta.url));
  return new Map([
    ["/", { type: "text/html; charset=utf-8", body: await read("./_explore_page.html") }],
    ["/page.css", { type: "text/css; charset=utf-8", body: await read("./_explore_page.css") }],
    ["/page.js", { type: "text/javascript; charset=utf-8", body: page! }],
    ["/worker.js", { type: "text/javascript; charset=utf-8", body: worker! }],
  ]);
}

function serve(handler: (request: Request) => Response, port: number): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, handler);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new UsageError(`Cannot use --port ${port} as another program has it: write another, or leave it out`);
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65535) return port;
  throw new UsageError(`Cannot use --port ${text}: write a number from 1 to 65535`);
}

const OPENERS: Partial<Readonly<Record<typeof Deno.build.os, readonly [string, ...string[]]>>> = {
  darwin: ["open"],
  windows: ["cmd", "/c", "start"],
};

async function openBrowser(url: string): Promise<void> {
  const [command, ...args] = OPENERS[Deno.build.os] ?? ["xdg-open"];
  const child = new Deno.Command(command, { args: [...args, url], stdin: "null", stdout: "null", stderr: "null" });
  const { success } = await child.output();
  if (!success) throw new Error(command);
}
