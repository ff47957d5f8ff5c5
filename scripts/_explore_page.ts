/**
 * The page of `deno task explore`: choices on the one side, what the networks say on the other. Numbers come from its
 * worker, where the library computes.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { Norm, ReferenceBackend } from "../mod.ts";
import { ATTACK_CHOICES, NORM_LABELS, USUAL_EPS } from "./_explore_choices.ts";
import { drawCurve, paint } from "./_explore_draw.ts";
import { marginOf, probabilitiesOf, topClass } from "./_explore_numbers.ts";
import type { Answer, ExploredNetwork, ExploredRun, Frame, Outcome, Request } from "./_explore_protocol.ts";

const ROWS = 24;
const MOST_CLASSES = 12;

const element = <T extends Element>(id: string): T => document.getElementById(id) as unknown as T;
const page = {
  form: element<HTMLFormElement>("choices"),
  network: element<HTMLSelectElement>("network"),
  beside: element<HTMLSelectElement>("beside"),
  class: element<HTMLSelectElement>("class"),
  gallery: element<HTMLElement>("gallery"),
  range: element<HTMLElement>("range"),
  earlier: element<HTMLButtonElement>("earlier"),
  later: element<HTMLButtonElement>("later"),
  attack: element<HTMLSelectElement>("attack"),
  norm: element<HTMLSelectElement>("norm"),
  eps: element<HTMLInputElement>("eps"),
  steps: element<HTMLInputElement>("steps"),
  stepsLabel: element<HTMLElement>("steps-label"),
  stepsName: element<HTMLElement>("steps-name"),
  backend: element<HTMLSelectElement>("backend"),
  go: element<HTMLButtonElement>("go"),
  cancel: element<HTMLButtonElement>("cancel"),
  error: element<HTMLElement>("error"),
  status: element<HTMLElement>("status"),
  progress: element<HTMLProgressElement>("progress"),
  clean: element<HTMLCanvasElement>("clean"),
  change: element<HTMLCanvasElement>("change"),
  attacked: element<HTMLCanvasElement>("attacked"),
  frame: element<HTMLInputElement>("frame"),
  frameText: element<HTMLElement>("frame-text"),
  networks: element<HTMLElement>("networks"),
  curve: element<SVGSVGElement>("curve"),
  outcome: element<HTMLElement>("outcome"),
  device: element<HTMLElement>("device"),
};

/** An image that is shown, and what became of it so far. */
interface Scene {
  readonly image: number;
  /** The attacked network, and the one beside it. */
  readonly networks: readonly number[];
  /** Pixels of the image as it is. */
  readonly pixels: Float32Array;
  /** The image as it is, once it is predicted, and those of the attack. */
  readonly frames: (Omit<Frame, "kind"> & { readonly kind: Frame["kind"] | "clean" })[];
  /** Frames that the attack will have at most. */
  expected: number;
  /** Whether the last frame is followed. */
  isFollowed: boolean;
  attack?: { readonly name: string; readonly eps: string; readonly norm: Norm };
}

/** The cells of each network's table that change, by class. */
interface Table {
  readonly says: HTMLElement;
  readonly rows: ReadonlyMap<number, Readonly<Record<"now" | "before" | "percent" | "logit", HTMLElement>>>;
}
const run = await (await fetch("/run.json")).json() as ExploredRun;
const { data, networks } = run;
const worker = new Worker("/worker.js", { type: "module" });
let asked = 0;
/** The question whose answer is waited for. */
let pending: { readonly id: number; readonly kind: Request["kind"] } | undefined;
let scene: Scene | undefined;
/** One of each network of the scene. */
let tables: Table[] = [];
/** Largest difference of a logit of the GPU from plain JavaScript's so far. */
let mostDifference = 0;
let isDrawing = false;
let first = 0;

worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => hear(data));
worker.addEventListener("error", ({ message }) => fail(`Cannot compute in this browser: ${message || "update it"}`));

document.title = `Explore ${run.title}`;
element("title").textContent = `Explore ${run.title}`;
element("gallery-legend").textContent = data.split === "test" ? "Test image" : "Validation image";
const named = (network: ExploredNetwork, index: number) => new Option(network.label, String(index));
page.network.append(...networks.map(named));
page.network.value = String(networks.length - 1);
page.beside.append(new Option("none", ""), ...networks.map(named));
page.class.append(new Option("all", ""), ...data.classes.map((name, index) => new Option(name, String(index))));
page.attack.append(...Object.entries(ATTACK_CHOICES).map(([name, { label }]) => new Option(label, name)));
page.attack.value = "pgd";

page.form.addEventListener("submit", (event) => {
  event.preventDefault();
  attack();
});
page.cancel.addEventListener("click", () => ask({ kind: "cancel" }));
page.network.addEventListener("change", () => show(scene?.image));
page.beside.addEventListener("change", () => show(scene?.image));
page.backend.addEventListener("change", () => show(scene?.image));
page.class.addEventListener("change", () => turn(0));
page.earlier.addEventListener("click", () => turn(first - ROWS));
page.later.addEventListener("click", () => turn(first + ROWS));
page.attack.addEventListener("change", chooseAttack);
page.norm.addEventListener("change", () => page.eps.value = USUAL_EPS[page.norm.value as Norm]);
page.frame.addEventListener("input", () => {
  if (scene === undefined) return;
  scene.isFollowed = Number(page.frame.value) === scene.frames.length - 1;
  draw();
});
addEventListener("resize", draw);

chooseAttack();
await turn(0);

function ask(request: Request): void {
  if (request.kind !== "cancel") pending = { id: request.id, kind: request.kind };
  worker.postMessage(request);
  page.go.disabled = pending?.kind === "attack";
  page.cancel.disabled = pending?.kind !== "attack";
}

function hear(answer: Answer): void {
  if (answer.kind === "compared") {
    compare(answer.difference);
    return;
  }
  // What was asked before the last question is of no interest any more.
  if (answer.id !== pending?.id || scene === undefined) return;
  switch (answer.kind) {
    case "predicted":
      scene.frames.splice(0, Infinity, { kind: "clean", step: 0, pixels: scene.pixels, logits: answer.logits });
      page.status.textContent = `${nameOf(scene)}: ${spoken(scene, scene.frames[0]!, 0)}.`;
      device(answer.device);
      settle();
      break;
    case "begun":
      scene.expected = answer.steps + 2;
      scene.attack = { ...scene.attack!, name: answer.name };
      page.progress.max = answer.steps;
      page.status.textContent = `${answer.name} at ${scene.attack.eps} on ${labelOf(0)}.`;
      device(answer.device);
      break;
    case "frame":
      scene.frames.push(answer.frame);
      page.progress.value = answer.frame.step;
      break;
    case "ended":
      scene.frames.push(answer.outcome.frame);
      page.progress.value = page.progress.max;
      end(scene, answer.outcome, answer.seconds);
      settle();
      break;
    case "cancelled":
      page.status.textContent = "Cancelled.";
      settle();
      break;
    case "failed":
      fail(answer.message);
      break;
  }
  drawSoon();
}

function settle(): void {
  pending = undefined;
  if (scene !== undefined) scene.expected = 0;
  page.go.disabled = scene === undefined;
  page.cancel.disabled = true;
}

function fail(message: string): void {
  page.error.textContent = message;
  page.status.textContent = "";
  settle();
}

/** Shows an image as it is, and asks the networks. */
async function show(image: number | undefined): Promise<void> {
  if (image === undefined) return;
  if (pending !== undefined) ask({ kind: "cancel" });
  const id = ++asked;
  const pixels = (await imagesAt([image]))[0]!;
  if (id !== asked) return;
  const beside = page.beside.value === "" ? [] : [Number(page.beside.value)];
  const networks = [Number(page.network.value), ...beside];
  scene = { image, networks, pixels, frames: [], expected: 0, isFollowed: true };
  page.error.textContent = "";
  page.outcome.replaceChildren();
  page.progress.value = 0;
  page.status.textContent = `Asking ${labelOf(0)}.`;
  makeTables(scene);
  ask({ kind: "predict", id, image, networks, backend: page.backend.value as ReferenceBackend | "auto" });
  drawSoon();
}

function attack(): void {
  if (scene === undefined || scene.frames.length === 0 || pending?.kind === "attack") return;
  const choice = ATTACK_CHOICES[page.attack.value]!;
  const norm = page.norm.value as Norm;
  const spec = choice.spec(norm, Number(page.steps.value));
  const eps = page.eps.value.trim();
  page.error.textContent = "";
  page.outcome.replaceChildren();
  page.progress.value = 0;
  page.status.textContent = "Beginning.";
  scene.frames.length = 1;
  scene.isFollowed = true;
  scene.attack = { name: choice.label, eps, norm };
  const { image, networks } = scene;
  const backend = page.backend.value as ReferenceBackend | "auto";
  ask({ kind: "attack", id: ++asked, image, networks, backend, spec, eps });
  drawSoon();
}

/** Sets norms and number of steps of the attack that is chosen. */
function chooseAttack(): void {
  const { norms, count } = ATTACK_CHOICES[page.attack.value]!;
  const before = page.norm.value;
  page.norm.replaceChildren(...norms.map((norm) => new Option(NORM_LABELS[norm], norm)));
  if (norms.some((norm) => norm === before)) page.norm.value = before;
  else page.eps.value = USUAL_EPS[norms[0]!];
  page.stepsLabel.hidden = count === undefined;
  page.stepsName.textContent = count?.name ?? "Steps";
  page.steps.value = String(count?.usual ?? 1);
}

/** Fills the gallery with the images from a place on. */
async function turn(from: number): Promise<void> {
  const wanted = page.class.value;
  const all = [...data.labels.keys()].filter((at) => wanted === "" || data.labels[at] === Number(wanted));
  first = Math.min(Math.max(0, from), Math.max(0, ROWS * Math.floor((all.length - 1) / ROWS)));
  const some = all.slice(first, first + ROWS);
  const pixels = await imagesAt(some);
  page.gallery.replaceChildren(...some.map((at, i) => thumbnail(at, pixels[i]!)));
  page.range.textContent = some.length === 0 ? "none" : `${first + 1}–${first + some.length} of ${all.length}`;
  page.earlier.disabled = first === 0;
  page.later.disabled = first + ROWS >= all.length;
  if (scene === undefined && some.length > 0) {
    page.gallery.querySelector("input")!.checked = true;
    await show(some[0]);
  }
}

function thumbnail(at: number, pixels: Float32Array): HTMLElement {
  const label = document.createElement("label");
  label.className = "thumb";
  label.title = captionOf(at);
  const input = document.createElement("input");
  Object.assign(input, { type: "radio", name: "image", value: String(at), checked: scene?.image === at });
  input.setAttribute("aria-label", captionOf(at));
  input.addEventListener("change", () => show(at));
  const canvas = document.createElement("canvas");
  canvas.setAttribute("aria-hidden", "true");
  paint(canvas, data.imageShape, (i) => pixels[i]!);
  label.append(input, canvas);
  return label;
}

async function imagesAt(positions: readonly number[]): Promise<Float32Array[]> {
  if (positions.length === 0) return [];
  const bytes = new Uint8Array(await (await fetch(`/images?at=${positions}`)).arrayBuffer());
  const size = bytes.length / positions.length;
  return positions.map((_, i) => Float32Array.from(bytes.subarray(i * size, (i + 1) * size), (byte) => byte / 255));
}

/** Draws when the browser next does: many images may have come until then. */
function drawSoon(): void {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    draw();
  });
}

function draw(): void {
  if (scene === undefined) return;
  const { frames, pixels, isFollowed } = scene;
  const last = Math.max(0, frames.length - 1);
  const shown = isFollowed ? last : Math.min(Number(page.frame.value), last);
  page.frame.max = String(last);
  page.frame.value = String(shown);
  page.frame.disabled = last === 0;
  const frame = frames[shown];
  const now = frame?.pixels ?? pixels;
  const caption = captionOf(scene.image);
  paint(page.clean, data.imageShape, (i) => pixels[i]!);
  paint(page.change, data.imageShape, (i) => 0.5 + 10 * (now[i]! - pixels[i]!));
  paint(page.attacked, data.imageShape, (i) => now[i]!);
  page.clean.setAttribute("aria-label", caption);
  page.attacked.setAttribute("aria-label", frame === undefined ? caption : `${caption}, ${longText(frame)}`);
  page.frameText.textContent = frame === undefined ? "The image as it is" : describe(scene, frame);
  page.frame.setAttribute("aria-valuetext", page.frameText.textContent);
  if (frame === undefined) page.curve.replaceChildren();
  else {
    drawTables(scene, frame);
    const label = data.labels[scene.image]!;
    const lines = scene.networks.map((network, k) => ({
      label: networks[network]!.label,
      color: colorOf(k),
      isDashed: k > 0,
      margins: frames.map(({ logits }) => marginOf(logits[k]!, label)),
    }));
    drawCurve(page.curve, lines, frames.map(shortText), scene.expected, shown);
    const texts = lines.map(({ label, margins }) =>
      `${label} from ${margins[0]!.toFixed(2)} to ${margins.at(-1)!.toFixed(2)}`
    );
    page.curve.setAttribute("aria-label", `Margin over ${frames.length} images: ${texts.join(", ")}`);
  }
}

function shortText({ kind, step }: Scene["frames"][number]): string {
  return kind === "step" || kind === "best" ? String(step) : kind === "result" ? "end" : kind;
}

function longText({ kind, step }: Scene["frames"][number]): string {
  const texts = {
    clean: "as it is",
    start: "at the start",
    step: `after step ${step}`,
    best: `strongest up to step ${step}`,
    result: "the result, verified",
  };
  return texts[kind];
}

/** What is shown, and how far from the image it is. */
function describe({ pixels }: Scene, frame: Scene["frames"][number]): string {
  if (frame.kind === "clean") return "The image as it is";
  let [largest, squares, sum] = [0, 0, 0];
  frame.pixels.forEach((value, i) => {
    const change = Math.abs(value - pixels[i]!);
    largest = Math.max(largest, change);
    squares += change ** 2;
    sum += change;
  });
  const text = longText(frame);
  return `${text[0]!.toUpperCase()}${text.slice(1)}: L∞ ${(255 * largest).toFixed(1)}/255, ` +
    `L2 ${Math.sqrt(squares).toFixed(2)}, L1 ${sum.toFixed(1)}`;
}

/** What a network says of an image. */
function spoken({ image }: Scene, { logits }: Scene["frames"][number], k: number): string {
  const top = topClass(logits[k]!);
  const right = top === data.labels[image];
  const percent = (100 * probabilitiesOf(logits[k]!)[top]!).toFixed(0);
  return `${data.classes[top]} (${percent} %), which is ${right ? "right" : "wrong"}`;
}

function makeTables(scene: Scene): void {
  const made = scene.networks.map((_, k) => {
    const section = document.createElement("section");
    const [heading, swatch, says, table] = ["h2", "span", "p", "table"].map((name) => document.createElement(name));
    swatch!.className = "swatch";
    swatch!.style.background = colorOf(k);
    const role = scene.networks.length === 1 ? "" : k === 0 ? ", attacked" : ", shown the same image";
    heading!.append(swatch!, `${labelOf(k)}${role}`);
    says!.className = "says";
    table!.innerHTML =
      "<caption></caption><thead><tr><th scope=col>Class</th><th scope=col class=bars>Probability</th>" +
      "<td></td><th scope=col>Logit</th></tr></thead><tbody></tbody>";
    table!.querySelector("caption")!.textContent = `Classes that ${labelOf(k)} sees`;
    section.append(heading!, says!, table!);
    return { section, says: says!, body: table!.querySelector("tbody")!, rows: new Map() };
  });
  page.networks.replaceChildren(...made.map(({ section }) => section));
  tables = made;
}

function drawTables(scene: Scene, frame: Scene["frames"][number]): void {
  const clean = scene.frames[0]!;
  const label = data.labels[scene.image]!;
  tables.forEach((table, k) => {
    const says = `It says ${spoken(scene, frame, k)}; the margin is ${marginOf(frame.logits[k]!, label).toFixed(3)}.`;
    if (table.says.textContent !== says) table.says.textContent = says;
    table.says.classList.toggle("wrong", topClass(frame.logits[k]!) !== label);
    const [now, before] = [frame, clean].map(({ logits }) => probabilitiesOf(logits[k]!));
    const wanted = classesOf(scene, k);
    const rows = rowsOf(k, wanted, label);
    for (const [at, { now: bar, before: mark, percent, logit }] of rows) {
      bar.style.width = `${100 * now![at]!}%`;
      mark.style.width = `${100 * before![at]!}%`;
      mark.hidden = before![at]! < 0.01;
      percent.textContent = `${(100 * now![at]!).toFixed(1)} %`;
      logit.textContent = frame.logits[k]![at]!.toFixed(3);
      logit.title = String(frame.logits[k]![at]);
    }
  });
}

/** Classes that have a row: all, or of many the label and those that have ever been likely. */
function classesOf({ frames, image }: Scene, k: number): number[] {
  if (data.classes.length <= MOST_CLASSES) return [...data.classes.keys()];
  const likely = data.classes.map((_, at) =>
    Math.max(...[frames[0]!, frames.at(-1)!].map(({ logits }) => logits[k]![at]!))
  );
  const label = data.labels[image]!;
  const others = [...data.classes.keys()].filter((at) => at !== label).sort((a, b) => likely[b]! - likely[a]!);
  return [label, ...others.slice(0, MOST_CLASSES - 1)];
}

function rowsOf(k: number, wanted: readonly number[], label: number): Table["rows"] {
  const table = tables[k]!;
  if (table.rows.size === wanted.length && wanted.every((at) => table.rows.has(at))) return table.rows;
  const body = page.networks.children[k]!.querySelector("tbody")!;
  const rows = new Map(wanted.map((at) => {
    const row = document.createElement("tr");
    row.innerHTML =
      "<th scope=row></th><td class=bars><div class=probability><div></div><div class=before></div></div>" +
      "</td><td></td><td></td>";
    const [name, bars, percent, logit] = row.children as unknown as HTMLElement[];
    row.classList.toggle("label", at === label);
    name!.textContent = data.classes[at]!;
    name!.title = at === label ? `${data.classes[at]}, the label` : data.classes[at]!;
    const [now, before] = bars!.firstElementChild!.children as unknown as HTMLElement[];
    now!.style.background = colorOf(k);
    body.append(row);
    return [at, { row, now: now!, before: before!, percent: percent!, logit: logit! }] as const;
  }));
  body.replaceChildren(...[...rows.values()].map(({ row }) => row));
  tables[k] = { ...table, rows };
  return rows;
}

/** Says what an attack has come to. */
function end(scene: Scene, outcome: Outcome, seconds: number): void {
  const { name, eps } = scene.attack!;
  const fell = outcome.margin < 0;
  const wasWrong = outcome.firstStep === 0 && topClass(scene.frames[0]!.logits[0]!) !== data.labels[scene.image];
  const what = wasWrong
    ? "was wrong about the image as it is"
    : !fell
    ? "is right; the image stands"
    : `is fooled; the image fell ${outcome.firstStep === 0 ? "at the start" : `at step ${outcome.firstStep}`}`;
  const beside = scene.networks.slice(1).map((_, k) => {
    const falls = marginOf(outcome.frame.logits[k + 1]!, data.labels[scene.image]!) < 0;
    return ` ${labelOf(k + 1)} ${falls ? "is fooled by the same image" : "is right about the same image"}.`;
  });
  page.status.textContent = `${name} at ${eps}: ${labelOf(0)} ${what}.${beside.join("")}`;
  const rows: readonly (readonly [string, string])[] = [
    ["Attack", `${name} at ${eps}, seed ${run.seed}`],
    ["Margin", `${outcome.margin} (${fell ? "misclassified" : "right"})`],
    ["Passes", `${outcome.forwardPasses} forward, ${outcome.backwardPasses} backward`],
    ["Time", `${seconds.toFixed(1)} s`],
  ];
  page.outcome.replaceChildren(...rows.flatMap(([term, text]) => {
    const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
    [dt.textContent, dd.textContent] = [term, text];
    return [dt, dd];
  }));
}

function device(name: string): void {
  const isCompared = name.includes("WebGL") && mostDifference > 0;
  page.device.textContent = `TensorFlow.js on ${name}.${
    isCompared ? ` Its logits were those of plain JavaScript to ${mostDifference.toExponential(0)}.` : ""
  }`;
}

/** Says whether the GPU can be believed. */
function compare(difference: number): void {
  mostDifference = Math.max(mostDifference, difference);
  if (difference < 1e-3) {
    device("gpu (WebGL)");
  } else {
    page.error.textContent = `The GPU's logits differ from plain JavaScript's by ${
      difference.toFixed(3)
    }: compute with the processor`;
  }
}

function labelOf(k: number): string {
  return networks[scene!.networks[k]!]!.label;
}

/** The colour of a network; of one beside itself, a grey. */
function colorOf(k: number): string {
  const [attacked, beside] = scene!.networks;
  return k > 0 && attacked === beside ? "#767676" : networks[scene!.networks[k]!]!.color;
}

function nameOf({ image }: Scene): string {
  const text = captionOf(image);
  return `${text[0]!.toUpperCase()}${text.slice(1)}`;
}

function captionOf(at: number): string {
  return `image ${data.ids[at]}, ${data.classes[data.labels[at]!]}`;
}
