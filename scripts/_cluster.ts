/** What a part of a sweep is run by, on a cluster. */
export interface ClusterJob {
  /** Name of the sweep. */
  readonly name: string;
  /** Number of parts. */
  readonly parts: number;
  /** Arguments of `deno task sweep`, but for the part, the data and the runs. */
  readonly args: readonly string[];
}

/** One argument of a shell, whatever is in it. */
function quoted(text: string): string {
  return /^[\w./=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The call of a part; `part` is a text of the shell. */
function callOf({ parts, args }: ClusterJob, part: string): string {
  return [
    `deno task sweep ${args.map(quoted).join(" ")} --shard "${part}/${parts}"`,
    `--runs "\${KDIGA_RUNS:-runs}" \${KDIGA_DATA:+--data "$KDIGA_DATA"}`,
  ].join(" ");
}

/**
 * A job array for Slurm, a task per part. Before its time limit a task is told to stop, ends after its last checkpoint and
 * is queued again; a task that is killed or requeued goes on from there as well.
 */
export function slurmScript(job: ClusterJob): string {
  return `#!/bin/bash
# The ${job.parts} parts of the sweep ${job.name}, a task each. From the folder of the repository:
#   KDIGA_DATA=/path/of/data KDIGA_RUNS=/path/of/runs sbatch THIS-FILE
# The folder of runs must be shared by all nodes, with working file locks: the first task makes the teacher, the others
# wait for it. What sbatch is told on its command line (--time, --partition, --cpus-per-task) goes before what stands here.
# When all tasks are done, the same "deno task sweep" without --shard gathers their rows.
#SBATCH --job-name=${job.name}
#SBATCH --array=1-${job.parts}
#SBATCH --cpus-per-task=2
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=${job.name}-%A_%a.out

${callOf(job, "$SLURM_ARRAY_TASK_ID")} &
child=$!
stopped=
trap 'stopped=1; kill -TERM "$child"' TERM
wait "$child"
status=$?
# A signal ends the first wait, not the sweep.
if [ -n "$stopped" ]; then
  wait "$child"
  status=$?
fi
# 130: stopped, to be gone on with.
if [ "$status" -eq 130 ]; then
  scontrol requeue "\${SLURM_ARRAY_JOB_ID}_\${SLURM_ARRAY_TASK_ID}"
fi
exit "$status"
`;
}

/**
 * An Indexed Job for Kubernetes, a pod per part, which the cluster may move at any time: it is told to stop, ends after
 * its last checkpoint, and another pod goes on.
 */
export function kubernetesJob(job: ClusterJob): string {
  const name = job.name.replaceAll(/[^a-z0-9-]+/g, "-").slice(0, 52).replace(/-+$/, "");
  return `# The ${job.parts} parts of the sweep ${job.name}, a pod each: kubectl apply -f THIS-FILE
# The claim "kdiga" is a volume that many pods can write to, with working file locks; it holds this repository at its top,
# with data and runs inside. The first pod makes the teacher, the others wait for it. When the job is done, the same
# "deno task sweep" without --shard gathers the rows.
apiVersion: batch/v1
kind: Job
metadata:
  name: ${name}
spec:
  completionMode: Indexed
  completions: ${job.parts}
  parallelism: ${job.parts}
  backoffLimitPerIndex: 3
  podFailurePolicy:
    rules:
      # A pod that was moved has not failed.
      - action: Ignore
        onPodConditions:
          - type: DisruptionTarget
            status: "True"
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 120
      containers:
        - name: sweep
          image: denoland/deno:2.9.6
          workingDir: /kdiga
          command:
            - sh
            - -c
            - ${JSON.stringify(`exec ${callOf(job, "$((JOB_COMPLETION_INDEX + 1))")}`)}
          env:
            - name: KDIGA_DATA
              value: ""
            - name: KDIGA_RUNS
              value: runs
            - name: DENO_DIR
              value: /kdiga/.deno
          resources:
            requests:
              cpu: "2"
              memory: 4Gi
          volumeMounts:
            - name: kdiga
              mountPath: /kdiga
      volumes:
        - name: kdiga
          persistentVolumeClaim:
            claimName: kdiga
`;
}
