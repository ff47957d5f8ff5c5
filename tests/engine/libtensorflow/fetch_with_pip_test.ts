import { assert, assertEquals, assertRejects } from "@std/assert";
import { DataError, type Progress } from "../../../lib/core/mod.ts";
import { fetchWithPip } from "../../../lib/engine/libtensorflow/fetch_with_pip.ts";
import { SHELL, sourceContext, withPython } from "./_source_context.ts";

/** Writes its arguments down, and does as told for `pip download ... --dest DIR ...`. */
const pip = (download: string) =>
  `echo "$*" >> "$(dirname "$0")/asked"
[ "$3" = --version ] && exit 0
for dest; do [ "$last" = --dest ] && break; last="$dest"; done
${download}`;

const asked = async (root: string) => (await Deno.readTextFile(`${root}/asked`)).trim().split("\n");

Deno.test({
  name: "fetchWithPip() has pip download the pinned wheel alone, and tells how far that is",
  ignore: !SHELL,
  fn: () =>
    withPython(
      pip(
        'echo "$PIP_INDEX_URL" > "$dest/index"; head -c 1000 /dev/zero > "$TMPDIR/part"; sleep 0.8; ' +
          'rm "$TMPDIR/part"; touch "$dest/tensorflow_cpu-2.21.0-cp311-cp311-linux_x86_64.whl"',
      ),
      async (root, python) => {
        const seen: Progress[] = [];
        const index = "https://x:secret@example.org/simple";
        const context = sourceContext(root, { python, index, onProgress: (progress) => seen.push(progress) });
        const folder = `${root}/temporary/pip`;
        assertEquals(await fetchWithPip(context), {
          kind: "archives",
          paths: [`${folder}/tensorflow_cpu-2.21.0-cp311-cp311-linux_x86_64.whl`],
        });
        assertEquals(context.announced, [["tensorflow-cpu==2.21.0 with pip", 273_829_956, 853_308_936]]);
        assert(seen.length > 0);
        assertEquals(seen[0]!.label, "fetch tensorflow-cpu==2.21.0");
        assertEquals([seen[0]!.done, seen[0]!.total], [1000 + index.length + 1, 273_829_956]);
        assertEquals(await asked(root), [
          "-m pip --version",
          `-m pip download tensorflow-cpu==2.21.0 --only-binary=:all: --no-cache-dir --dest ${folder} --no-deps`,
        ]);
        assertEquals(await Deno.readTextFile(`${folder}/index`), `${index}\n`);
      },
    ),
});

Deno.test({
  name: "fetchWithPip() takes TensorFlow's and NVIDIA's wheels of all that tensorflow[and-cuda] requires",
  ignore: !SHELL,
  fn: () =>
    withPython(
      pip('cd "$dest"; touch numpy-2.0-x.whl nvidia_cudnn_cu12-9.0-x.whl tensorflow-2.21.0-x.whl tensorboard-2-x.whl'),
      async (root, python) => {
        const context = sourceContext(root, { python, gpu: true });
        const folder = `${root}/temporary/pip`;
        assertEquals(await fetchWithPip(context), {
          kind: "archives",
          paths: [`${folder}/nvidia_cudnn_cu12-9.0-x.whl`, `${folder}/tensorflow-2.21.0-x.whl`],
        });
        assertEquals(context.announced, [["tensorflow[and-cuda]==2.21.0 with pip", 3_200_000_000, 6_500_000_000]]);
        assertEquals(
          (await asked(root))[1],
          `-m pip download tensorflow[and-cuda]==2.21.0 --only-binary=:all: --no-cache-dir --dest ${folder}`,
        );
      },
    ),
});

Deno.test({
  name: "fetchWithPip() asks for another Python's wheel where there is none for its own",
  ignore: !SHELL,
  fn: () =>
    withPython(
      pip(
        'case "$*" in *--python-version=3.12) touch "$dest/tensorflow_cpu-2.21.0-cp312-cp312-linux_x86_64.whl";; ' +
          "*) echo 'ERROR: No matching distribution found for tensorflow-cpu==2.21.0' >&2; exit 1;; esac",
      ),
      async (root, python) => {
        const obtained = await fetchWithPip(sourceContext(root, { python }));
        assert(obtained.kind === "archives" && obtained.paths[0]?.includes("cp312"));
      },
    ),
});

Deno.test({
  name: "fetchWithPip() says in pip's words why it cannot",
  ignore: !SHELL,
  fn: async () => {
    const cases: [script: string, message: string, calls: number][] = [
      ["exit 1", "python3 has no pip", 0],
      [
        pip("printf 'WARNING: Retrying\\nERROR: No matching distribution found for x\\n\\n[notice] a\\n' >&2; exit 1"),
        "pip cannot fetch tensorflow-cpu==2.21.0 (ERROR: No matching distribution found for x)",
        2,
      ],
      [
        pip("printf 'ERROR: No matching distribution found for x\\n' >&2; exit 1"),
        "pip cannot fetch tensorflow-cpu==2.21.0 (ERROR: No matching distribution found for x)",
        3,
      ],
      [pip("echo broken >&2; exit 1"), "pip cannot fetch tensorflow-cpu==2.21.0 (broken)", 2],
      [pip("exit 1"), "pip cannot fetch tensorflow-cpu==2.21.0 (no reason given)", 2],
    ];
    for (const [script, message, calls] of cases) {
      await withPython(script, async (root, python) => {
        const error = await assertRejects(() => fetchWithPip(sourceContext(root, { python })), DataError);
        assertEquals(error.message, message);
        if (calls > 0) assertEquals((await asked(root)).length, calls);
      });
    }
  },
});
