import { type Method, METHODS, type Preset } from "./methods.ts";
import { objectiveOf } from "./spec.ts";

/**
 * Writes the page of all methods, `lib/objectives/README.md`, from {@linkcode METHODS} and what the objectives say of
 * themselves.
 *
 * @returns Markdown, ending in a line feed.
 */
export function methodsPage(): string {
  return [
    "# Methods",
    "",
    "Written by `deno task methods` from `methods.ts`; a test compares them. x' are the images that the inner maximisation",
    "makes, S the student, T the teacher. Passes are per image and step, inner attack included, S forward / backward and T",
    "forward / backward; a backward pass of second order counts twice. KL terms are named kl..., alignments iga.",
    "",
    "| method | inner maximisation | terms | teacher asked at | S passes | T passes | presets |",
    "| --- | --- | --- | --- | ---: | ---: | --- |",
    ...Object.values(METHODS).map(row),
    "",
    "What public code does otherwise, as far as it was read. What a preset cannot say stands there too.",
    ...Object.entries(METHODS).flatMap(section),
    "",
  ].join("\n");
}

function presetsOf({ paper, others = [], releasedCode }: Method): readonly Preset[] {
  return [paper, ...others, ...(releasedCode?.preset ? [releasedCode.preset] : [])];
}

function row(method: Method): string {
  const { spec } = method.paper;
  const objective = objectiveOf(spec);
  const { studentForward, studentBackward, teacherForward, teacherBackward } = objective.passes(spec);
  const cells = [
    method.title,
    method.innerMaximisation,
    objective.termNames(spec).join(", "),
    method.teacherAt,
    `${studentForward} / ${studentBackward}`,
    `${teacherForward} / ${teacherBackward}`,
    presetsOf(method).map(textOf).join(", "),
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function textOf({ name, spec }: Preset): string {
  return `\`${name ?? JSON.stringify(spec)}\``;
}

function section([name, { title, source, releasedCode, recipe }]: [string, Method]): string[] {
  return [
    "",
    `## ${title}`,
    "",
    `\`METHODS["${name}"]\`. Source: ${source}.`,
    ...(releasedCode === undefined ? [] : [
      "",
      `Released code: ${releasedCode.source}${
        releasedCode.preset === undefined ? "; it has no preset of its own" : `, ${textOf(releasedCode.preset)}`
      }.`,
      "",
      ...releasedCode.differs.map((difference) => `- ${difference}`),
    ]),
    ...(recipe === undefined ? [] : ["", recipe]),
  ];
}
