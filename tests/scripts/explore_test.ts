/**
 * The page of `deno task explore`: its numbers against the library's on this side, its server, and the page itself in a
 * real browser.
 *
 * @module
 */
/// <reference lib="dom" />
import axe from "axe-core";
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import type { Page } from "puppeteer-core";
import {
  attackName,
  type AttackSpec,
  type Classifier,
  createModel,
  createReferenceEngine,
  type Dataset,
  type Engine,
  float32,
  freeze,
  gather,
  int32,
  loadData,
  loadWeights,
  parseEps,
  rng,
  runAttack,
  shapes,
  type ShapesSpec,
} from "../../mod.ts";
import { attackInSteps, logitsOf, planOf } from "../../scripts/_explore_attack.ts";
import { ATTACK_CHOICES, USUAL_EPS } from "../../scripts/_explore_choices.ts";
import { marginOf, probabilitiesOf, topClass } from "../../scripts/_explore_numbers.ts";
import type { Answer, ExploredRun, Frame, Request as Question } from "../../scripts/_explore_protocol.ts";
import { explorePage } from "../../scripts/_explore_server.ts";
import { assertClose } from "../testing/assert_close.ts";
import { findBrowser, openPage } from "../testing/browser.ts";
import { inTempFolder, runTask, startTask } from "./_task.ts";

const SHAPE = [8, 8, 3] as const;
const model = createModel({ kind: "cnn", width: 4 }, { classes: 4, inputShape: SHAPE });
const target = freeze(model, model.init(rng(1)));
const other = freeze(model, model.init(rng(2)));

/** An image that the network is right about, by its own word. */
async function rightImage(): Promise<{ x: ReturnType<typeof float32>; y: ReturnType<typeof int32>; ids: Int32Array }> {
  const x = float32([1, ...SHAPE], rng(3).uniform([...SHAPE], 0, 1));
  const [logits] = await logitsOf(createReferenceEngine(), [target], x);
  return { x, y: int32([1], [topClass(logits!)]), ids: Int32Array.of(7) };
}

for (const [name, { norms, count, spec }] of Object.entries(ATTACK_CHOICES)) {
  Deno.test(`attackInSteps() finds what runAttack() finds, and shows every image on the way: ${name}`, async () => {
    const engine = createReferenceEngine();
    const batch = await rightImage();
    for (const norm of norms) {
      const asked = spec(norm, 4);
      // The whole ensemble takes thousands of steps.
      const attack: AttackSpec = asked.kind === "autoattack"
        ? { ...asked, version: [{ kind: "apgd", steps: 4 }] }
        : asked;
      const eps = parseEps(USUAL_EPS[norm], Infinity) / 1000; // too small to fool it
      const frames: Frame[] = [];
      const outcome = await attackInSteps({
        engine,
        networks: [target, other],
        batch,
        spec: attack,
        eps,
        seed: 5,
        onFrame: (frame) => Promise.resolve(void frames.push(frame)),
      });
      const expected = await runAttack(engine, target, batch, attack, eps, rng(5, "attack", attackName(attack)));
      assertEquals(outcome.frame.pixels, expected.xAdv.data);
      assertEquals(outcome.margin, expected.margin[0]);
      assertEquals(outcome.firstStep, -1);
      assertEquals(outcome.forwardPasses, expected.forwardPasses);
      assertEquals(marginOf(outcome.frame.logits[0]!, batch.y.data[0]!), outcome.margin);
      assertEquals(outcome.frame.logits, await logitsOf(engine, [target, other], expected.xAdv));
      const { steps } = planOf(attack, eps, target);
      const hasStart = frames[0]!.step === 0;
      assertEquals(
        frames.map(({ step }) => step),
        Array.from({ length: frames.length }, (_, i) => hasStart ? i : i + 1),
      );
      assertEquals(frames.length, attack.kind === "pgd" ? steps + 1 : steps);
      if (count !== undefined && attack.kind === "pgd") assertEquals(steps, 4);
    }
  });
}

Deno.test("attackInSteps() ends where the one who watches throws", async () => {
  const batch = await rightImage();
  const enough = new Error("enough");
  let frames = 0;
  const attack = attackInSteps({
    engine: createReferenceEngine(),
    networks: [target],
    batch,
    spec: { kind: "pgd", steps: 50 },
    eps: 1 / 255,
    seed: 5,
    onFrame: () => ++frames === 3 ? Promise.reject(enough) : Promise.resolve(),
  });
  assertEquals(await attack.catch((error) => error), enough);
  assertEquals(frames, 3);
});

Deno.test("numbers of the page: probabilities, margin and the highest class", () => {
  const logits = Float32Array.of(Math.log(2), Math.log(6), -Infinity);
  assertClose(float32([3], probabilitiesOf(logits)), float32([3], [0.25, 0.75, 0]), { absolute: 1e-7, relative: 0 });
  assertEquals(probabilitiesOf(Float32Array.of(1e30, 0)), Float64Array.of(1, 0));
  assertEquals(topClass(Float32Array.of(1, 3, 3)), 1);
  assertEquals(marginOf(Float32Array.of(1, 3, 0.5), 0), -2);
  assertEquals(marginOf(Float32Array.of(1, 3, 0.5), 1), 2);
});

const dataset = shapes({ seed: 1, train: 1, test: 5, size: 12 }).test;
const handler = explorePage({
  run: { title: "tiny" } as ExploredRun,
  weights: [Uint8Array.of(1, 2, 3)],
  dataset,
  files: new Map([["/", { type: "text/html; charset=utf-8", body: "<title>page</title>" }]]),
});

/** Asks the handler over a connection, as a client that writes what it likes. */
async function raw(
  request: string,
): Promise<{ readonly status: number; readonly head: string; readonly body: string }> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  try {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
    const filled = request.replaceAll("PORT", String(server.addr.port)).replaceAll("\n", "\r\n");
    await connection.write(new TextEncoder().encode(`${filled}\r\nConnection: close\r\n\r\n`));
    const text = await new Response(connection.readable).text();
    const [head = "", body = ""] = text.split("\r\n\r\n");
    return { status: Number(head.split(" ")[1]), head: head.toLowerCase(), body };
  } finally {
    await server.shutdown();
  }
}

Deno.test("explorePage() answers under the names of this machine alone", async () => {
  for (const host of ["127.0.0.1:PORT", "localhost:PORT", "127.0.0.1"]) {
    const { status, body } = await raw(`GET / HTTP/1.1\nHost: ${host}`);
    assertEquals([status, body.includes("<title>page</title>")], [200, true], host);
  }
  for (const host of ["evil.example", "evil.example:PORT", "127.0.0.1.evil.example", "127.0.0.1:PORT.evil.example"]) {
    const { status, body } = await raw(`GET / HTTP/1.1\nHost: ${host}`);
    assert(status === 403 || status === 400, `${host}: ${status}`);
    assert(!body.includes("<title>"), host);
  }
});

Deno.test("explorePage() reads only, and lets the browser ask nobody else", async () => {
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    assertEquals((await raw(`${method} / HTTP/1.1\nHost: localhost`)).status, 405, method);
  }
  const { head } = await raw("GET / HTTP/1.1\nHost: localhost");
  const policy = /content-security-policy: (.*)/.exec(head)![1]!;
  assertMatch(policy, /^default-src 'none'; /);
  assertEquals(policy.match(/https?:|\*|unsafe/g), null);
  assertMatch(head, /cross-origin-resource-policy: same-origin/);
  assert(!head.includes("access-control-allow-origin"));
});

Deno.test("explorePage() gives images and weights by their numbers, and nothing else", async () => {
  const get = (path: string) => handler(new Request(`http://localhost${path}`, { headers: { host: "localhost" } }));
  assertEquals(await get("/images?at=2,0").bytes(), Uint8Array.from([...imageAt(2), ...imageAt(0)]));
  assertEquals(await get("/weights/0").bytes(), Uint8Array.of(1, 2, 3));
  assertEquals(await get("/run.json").json(), { title: "tiny" });
  for (
    const path of [
      "/images?at=5",
      "/images?at=-1",
      "/images?at=",
      "/images",
      "/weights/1",
      "/deno.json",
      "/../deno.json",
    ]
  ) assertEquals(get(path).status, 404, path);
});

function imageAt(at: number): Uint8Array {
  const size = dataset.images.length / dataset.ids.length;
  return dataset.images.subarray(at * size, (at + 1) * size);
}

Deno.test("deno task explore tells in one line what it cannot show", async () => {
  await inTempFolder(async (folder) => {
    await Deno.mkdir(`${folder}/empty`);
    for (
      const [args, code, line] of [
        [["none"], 1, 'DataError: Cannot explore "none" as there is no such file or folder: check the path'],
        [
          ["empty"],
          1,
          'DataError: Cannot explore "empty" as it has no checkpoints/*.safetensors: name the folder of a run',
        ],
        [["empty", "--port", "0"], 2, "UsageError: Cannot use --port 0: write a number from 1 to 65535"],
      ] as const
    ) {
      const { code: status, out, err } = await runTask(folder, "explore", ...args);
      assertEquals([status, out, err.trimEnd().split("\n").at(-1)], [code, "", line]);
    }
  });
});

/** The network and the image, one of those that the page shows first, of the largest margin. */
async function surest(engine: Engine, networks: readonly Classifier[], test: Dataset): Promise<[number, number]> {
  let best = { margin: -Infinity, at: [0, 0] as [number, number] };
  for (let image = 0; image < 24; image++) {
    const { x, y } = gather(test, [image]);
    (await logitsOf(engine, networks, x)).forEach((logits, k) => {
      const margin = marginOf(logits, y.data[0]!);
      if (margin > best.margin) best = { margin, at: [k, image] };
    });
  }
  assertGreater(best.margin, 0, "some network is right about some image");
  return best.at;
}

function close(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  const array = (list: ArrayLike<number>) => float32([list.length], Array.from(list));
  assertClose(array(actual), array(expected), { absolute: 1e-5, relative: 1e-5 }, what);
}

/** Asks a worker of the page's own kind, in the browser, until the last answer. */
async function askWorker(page: Page, question: Question): Promise<Answer[]> {
  const text = await page.evaluate(async (question) => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const worker = new Worker("/worker.js", { type: "module" });
    const answers: unknown[] = [];
    worker.onerror = ({ message }) => resolve(message);
    worker.onmessage = ({ data }) => {
      answers.push(data);
      // Arrays go over to the test as plain lists.
      const plain = (_: string, value: unknown) => value instanceof Float32Array ? [...value] : value;
      if (data.kind !== "begun" && data.kind !== "frame") resolve(JSON.stringify(answers, plain));
    };
    worker.postMessage(question);
    const text = await promise;
    worker.terminate();
    return text;
  }, question);
  return JSON.parse(text) as Answer[];
}

Deno.test({
  name: "deno task explore: the page of a run in a real browser",
  ignore: findBrowser() === undefined,
  fn: async (t) => {
    await inTempFolder(async (folder) => {
      const made = await runTask(folder, "run", "quickstart", "--small", "--json", "--engine", "onnxruntime");
      assertEquals(made.code, 0, made.err);
      const { folder: run } = JSON.parse(made.out) as { readonly folder: string };
      const server = startTask(folder, "explore", run, "--json", "--n", "60");
      try {
        const url = await urlOf(server);
        await using opened = await openPage(url);
        const { page, errors, requests } = opened;
        page.setDefaultTimeout(120_000);
        await page.waitForSelector("#networks tbody tr");

        const engine = createReferenceEngine();
        const { networks, data, seed } = await (await fetch(`${url}run.json`)).json() as ExploredRun;
        const here = await Promise.all(networks.map(async ({ name }) => {
          const { model, weights } = await loadWeights(`${folder}/${run}/checkpoints/${name}.safetensors`);
          return freeze(model, weights);
        }));
        const experiment = JSON.parse(await Deno.readTextFile(`${folder}/${run}/experiment.json`));
        const { test } = await loadData(experiment.data as ShapesSpec);
        // The surest network and image, in a run as small as this.
        const [attacked, image] = await surest(engine, here, test);

        await t.step("logits and the margin of attacks are those of the reference engine on this side", async () => {
          assertEquals(networks.map(({ name }) => name), ["teacher", "natural", "kd", "kdiga"]);
          const batch = gather(test, [image]);
          assertEquals([data.ids[image], data.labels[image]], [batch.ids[0], batch.y.data[0]]);
          const both = [here[attacked]!, here[0]!];
          const question = { id: 1, image, networks: [attacked, 0], backend: "cpu" } as const;
          const [predicted] = await askWorker(page, { kind: "predict", ...question });
          assert(predicted?.kind === "predicted", JSON.stringify(predicted));
          (await logitsOf(engine, both, batch.x)).forEach((logits, k) => close(predicted.logits[k]!, logits, "logits"));
          for (const spec of [{ kind: "pgd", steps: 5 }, { kind: "apgd", steps: 10 }] as const) {
            const answers = await askWorker(page, { kind: "attack", ...question, spec, eps: "8/255" });
            const ended = answers.at(-1)!;
            assert(ended.kind === "ended", JSON.stringify(ended));
            const name = attackName(spec);
            const found = await runAttack(engine, both[0]!, batch, spec, 8 / 255, rng(seed, "attack", name));
            close([ended.outcome.margin], found.margin, `margin of ${name}`);
            close(ended.outcome.frame.pixels, found.xAdv.data, `image of ${name}`);
            assertEquals(ended.outcome.firstStep, found.firstStep[0]);
            (await logitsOf(engine, both, found.xAdv)).forEach((logits, k) =>
              close(ended.outcome.frame.logits[k]!, logits, `logits under ${name}`)
            );
            assertGreater(answers.length, 2, "frames came");
          }
        });

        await t.step("an attack by clicking: two networks, every step, the curve", async () => {
          await page.select("#network", String(attacked));
          await page.select("#beside", "0");
          await page.waitForFunction(() => document.querySelectorAll("#networks tbody tr").length === 20);
          await page.click(`#gallery input[value="${image}"]`);
          const said = `Image ${data.ids[image]}, ${data.classes[data.labels[image]!]}: `;
          await page.waitForFunction(
            (said) => document.querySelector("#status")!.textContent!.startsWith(said),
            {},
            said,
          );
          await page.$eval("input#steps", (input) => input.value = "5");
          await page.click("#go");
          await page.waitForSelector("#outcome dd");
          assertMatch(
            await text(page, "#status"),
            new RegExp(
              `^pgd-5 at 8/255: ${
                networks[attacked]!.label
              } is (fooled; the image fell|right; the image stands).*Teacher is .*\\.$`,
            ),
          );
          assertMatch(await text(page, "#frame-text"), /^The result, verified: L∞ 8\.0\/255/);
          // As it is, the start, five steps, the result.
          assertEquals(await page.$eval("input#frame", (input) => input.max), "7");
          assertEquals((await page.$$("#curve polyline")).length, 2);
          await page.focus("#frame");
          await page.keyboard.press("Home");
          assertEquals(await text(page, "#frame-text"), "The image as it is");
          await page.keyboard.press("ArrowRight");
          assertMatch(await text(page, "#frame-text"), /^At the start: L∞ /);
        });

        await t.step("by the keyboard alone, cancelled", async () => {
          await page.select("#attack", "square");
          await page.focus("#steps");
          await page.keyboard.down("Control");
          await page.keyboard.press("a");
          await page.keyboard.up("Control");
          await page.keyboard.type("9000");
          await page.$eval("input#eps", (input) => input.value = "0.00001");
          await page.focus("#steps");
          await page.keyboard.press("Enter");
          await page.waitForFunction(() => Number(document.querySelector("progress")!.value) > 2);
          await page.focus("#cancel");
          await page.keyboard.press("Enter");
          await page.waitForFunction(() => document.querySelector("#status")!.textContent === "Cancelled.");
          assertEquals(
            await page.$eval("button#go", (button) => button.disabled),
            false,
          );
        });

        await t.step("a mistake is told in the library's words", async () => {
          await page.$eval("input#eps", (input) => input.value = "8");
          await page.click("#go");
          await page.waitForFunction(() => document.querySelector("#error")!.textContent !== "");
          assertMatch(await text(page, "#error"), /^Cannot use .*8.*/);
        });

        await t.step("nothing is found by axe, wide or narrow, and nothing sticks out", async () => {
          await page.evaluate(axe.source);
          for (const width of [1200, 390]) {
            await page.setViewport({ width, height: 900 });
            const found = await page.evaluate(async () => {
              const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string }[] }> } };
              const { scrollWidth } = document.documentElement;
              return { violations: (await axe.run()).violations.map(({ id }) => id), wider: scrollWidth - innerWidth };
            });
            assertEquals(found, { violations: [], wider: 0 }, `at ${width}`);
          }
        });

        assertEquals(errors, []);
        assertEquals(requests.filter((request) => !request.startsWith(url)), []);
      } finally {
        if (Deno.build.os !== "windows") server.kill("SIGINT");
        else server.kill();
        await server.stderr.cancel();
        const { code } = await server.status;
        if (Deno.build.os !== "windows") assertEquals(code, 0, "Ctrl-C is how it ends");
      }
    });
  },
});

async function text(page: Page, selector: string): Promise<string> {
  return await page.$eval(selector, (element) => element.textContent!);
}

/** The address, the first line that a server prints. */
async function urlOf(server: Deno.ChildProcess): Promise<string> {
  let out = "";
  for await (const chunk of server.stdout.pipeThrough(new TextDecoderStream())) {
    out += chunk;
    if (out.includes("\n")) return (JSON.parse(out) as { url: string }).url;
  }
  throw new Error(`the server ended: ${await server.stderr.text()}`);
}
