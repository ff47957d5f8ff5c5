import { assert, assertEquals, assertMatch } from "@std/assert";
import { inTempFolder, runTask } from "./_task.ts";

const ARGS = ["quickstart-seeds", "--small", "--set", "evaluation.n=8"];

/** Runs a script of a shell where `deno` and `scontrol` only say how they are called. */
async function inShell(script: string, env: Record<string, string>, status = 0, shell = "bash"): Promise<string[]> {
  const stub = `deno() { printf '%s\\n' "$*"; return ${status}; }\nscontrol() { printf 'scontrol %s\\n' "$*"; }\n`;
  const command = new Deno.Command(shell, { args: ["-c", stub + script], env, stdout: "piped", stderr: "piped" });
  const { stdout, stderr } = await command.output();
  assertEquals(new TextDecoder().decode(stderr), "");
  return new TextDecoder().decode(stdout).trimEnd().split("\n");
}

const bash = await new Deno.Command("bash", { args: ["--version"], stdout: "null", stderr: "null" }).output()
  .then(({ success }) => success, () => false);

Deno.test({
  name: "sweep --slurm and --kubernetes write files whose parts call a part each",
  ignore: !bash,
  fn: () =>
    inTempFolder(async (folder) => {
      const files = ["--slurm", "a.sh", "--kubernetes", "a.yaml"];
      const { code, err } = await runTask(folder, "sweep", ...ARGS, ...files, "--parts", "4");
      assertEquals(code, 0, err);
      const slurm = await Deno.readTextFile(`${folder}/a.sh`);
      assertMatch(slurm, /^#!\/bin\/bash\n(#.*\n)*#SBATCH --array=1-4\n/);
      const call = "task sweep quickstart-seeds --set evaluation.n=8 --small --shard 3/4 --runs";
      const task = { SLURM_ARRAY_TASK_ID: "3", SLURM_ARRAY_JOB_ID: "7" };
      assertEquals(await inShell(slurm, task), [`${call} runs`]);
      const places = { KDIGA_RUNS: "/a b/runs", KDIGA_DATA: "/a b/c.tar.gz" };
      assertEquals(await inShell(slurm, { ...task, ...places }), [`${call} /a b/runs --data /a b/c.tar.gz`]);
      assertEquals(await inShell(slurm, task, 130), [`${call} runs`, "scontrol requeue 7_3"]);
      assertEquals(await inShell(slurm, task, 1), [`${call} runs`]);

      const lines = (await Deno.readTextFile(`${folder}/a.yaml`)).split("\n").filter((line) => !line.startsWith("#"));
      assertEquals(lines.slice(0, 5), [
        "apiVersion: batch/v1",
        "kind: Job",
        "metadata:",
        "  name: quickstart-seeds-small",
        "spec:",
      ]);
      for (const line of ["  completionMode: Indexed", "  completions: 4", "      restartPolicy: Never"]) {
        assert(lines.includes(line), line);
      }
      const inner: string = JSON.parse(lines.find((line) => line.includes("deno task"))!.trim().slice(2));
      const shell = inner.replace(/^exec /, "");
      assertEquals(await inShell(shell, { JOB_COMPLETION_INDEX: "2" }, 0, "sh"), [`${call} runs`]);
    }),
});

Deno.test("sweep refuses more parts than runs", async () => {
  await inTempFolder(async (folder) => {
    const { code, err } = await runTask(folder, "sweep", ...ARGS, "--slurm", "a.sh", "--parts", "12");
    assertEquals([code, err.trimEnd()], [
      2,
      "UsageError: Cannot write 12 parts of 11 runs: write no more --parts than runs",
    ]);
  });
});
