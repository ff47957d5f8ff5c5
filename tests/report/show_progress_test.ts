import { assertEquals, assertRejects } from "@std/assert";
import { showProgress } from "../../lib/report/mod.ts";

type Event = Readonly<Record<string, unknown>> & { readonly kind: string; readonly at: number };

/** Shows some events, each at its time in ms; the messages that were sent, as their type and text. */
async function messagesOf(events: readonly Event[], take: (event: Event) => boolean = () => true) {
  let time = 0;
  const sent: { type: string; id: unknown; html: string; text: string }[] = [];
  const broadcast = (type: string, content: Readonly<Record<string, unknown>>): Promise<void> => {
    const { "text/html": html, "text/plain": text } = content["data"] as Record<string, string>;
    const { "display_id": id } = content["transient"] as Record<string, unknown>;
    sent.push({ type, id, html: html!, text: text! });
    return Promise.resolve();
  };
  async function* told() {
    for (const event of events) {
      time = event.at;
      yield await event;
      if (event.kind === "fault") throw new TypeError("fault");
    }
  }
  const passed: Event[] = [];
  try {
    for await (const event of showProgress(told(), { broadcast, now: () => time })) {
      passed.push(event);
      if (!take(event)) break;
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  assertEquals(new Set(sent.map(({ id }) => id)).size, 1);
  assertEquals(sent.map(({ type }) => type), ["display_data", ...sent.slice(1).map(() => "update_display_data")]);
  return { passed, lines: sent.map(({ text }) => text), html: sent.map(({ html }) => html) };
}

const progress = (at: number, label: string, done: number, detail?: string): Event => ({
  kind: "progress",
  at,
  label,
  done,
  total: 100,
  ...(detail === undefined ? {} : { detail }),
});

Deno.test("showProgress() updates one display at most five times a second and passes every event on", async () => {
  const events = [
    progress(1000, "train kdiga", 10, "loss 2.000"),
    ...Array.from({ length: 100 }, (_, i) => progress(1001 + i, "train kdiga", 10, "loss 1.500")),
    { kind: "evaluated", at: 1150 },
    progress(2000, "train kdiga", 40, "loss 0.812, 3.0 % waiting"),
    progress(2100, "train kdiga", 41, "loss 0.800"),
    progress(3000, "evaluate <kdiga>", 5, "pgd-20"),
    progress(4000, "evaluate <kdiga>", 15, "pgd-20"),
  ];
  const { passed, lines, html } = await messagesOf(events);
  assertEquals(passed, events);
  assertEquals(lines, [
    "starting",
    "train kdiga  10 %  0:00 spent, -:-- left  loss 2.000",
    // 30 % in one second, 60 % are left.
    "train kdiga  40 %  0:01 spent, 0:02 left  loss 0.812, 3.0 % waiting",
    "evaluate <kdiga>  5 %  0:00 spent, -:-- left  pgd-20",
    "evaluate <kdiga>  15 %  0:01 spent, 0:09 left  pgd-20",
    "done: train kdiga (loss 0.800), evaluate <kdiga>",
  ]);
  assertEquals(
    html.at(-2),
    '<progress value="15" max="100"></progress> ' +
      "<code>evaluate &lt;kdiga&gt;  15 %  0:01 spent, 0:09 left  pgd-20</code>",
  );
});

Deno.test("showProgress() reads the steps of a training", async () => {
  const step = (at: number, done: number, loss: number): Event => ({
    kind: "step",
    at,
    done,
    total: 8,
    row: { method: "kd", loss, step: done },
  });
  const { lines } = await messagesOf([step(500, 1, 2.25), { kind: "checkpoint", at: 900 }, step(1500, 4, 0.5)]);
  assertEquals(lines, [
    "starting",
    "train kd  12 %  0:00 spent, -:-- left  loss 2.250",
    "train kd  50 %  0:01 spent, 0:01 left  loss 0.500",
    "done: train kd (loss 0.500)",
  ]);
});

Deno.test("showProgress() says where work was stopped, by the caller or by an error", async () => {
  const events = [progress(300, "train kd", 20, "loss 0.300"), { kind: "fault", at: 400 }];
  const stopped = "stopped: train kd, 20 % (loss 0.300)";
  assertEquals((await messagesOf(events, () => false)).lines.at(-1), stopped);
  assertEquals((await messagesOf(events)).lines.at(-1), stopped);
  assertEquals((await messagesOf([{ kind: "fault", at: 0 }])).lines, ["starting", "stopped"]);
  assertEquals((await messagesOf([])).lines, ["starting", "done"]);
});

Deno.test("showProgress() shows nothing outside of a notebook, and hides no error", async () => {
  async function* told() {
    yield await 1;
    yield await 2;
    throw new RangeError("late");
  }
  const passed: object[] = [];
  await assertRejects(
    async () => {
      for await (const event of showProgress(told() as AsyncIterable<never>)) passed.push(event);
    },
    RangeError,
    "late",
  );
  assertEquals(passed, [1, 2] as unknown[]);
});
