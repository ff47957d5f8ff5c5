import { assertEquals } from "@std/assert";
import { type AttackSpec, fewClasses } from "../../lib/attacks/mod.ts";

Deno.test("fewClasses() says what is raised where a loss lacks its logits", () => {
  const margin = "2 classes: the margin is raised in place of the DLR loss";
  const targeted = (classes: number) => `${classes} classes: z_t - z_y is raised in place of the targeted DLR loss`;
  const cases: readonly (readonly [AttackSpec, number, string | undefined])[] = [
    [{ kind: "fgsm", loss: "dlr" }, 2, margin],
    [{ kind: "pgd", steps: 1, loss: "dlr" }, 2, margin],
    [{ kind: "apgd", loss: "dlr" }, 3, undefined],
    [{ kind: "pgd", steps: 1, loss: "targetedDlr", target: "next" }, 3, targeted(3)],
    [{ kind: "apgd", loss: "targetedDlr" }, 2, targeted(2)],
    [{ kind: "apgd", loss: "targetedDlr" }, 4, undefined],
    [{ kind: "apgd" }, 2, undefined],
    [{ kind: "square" }, 2, undefined],
    [{ kind: "autoattack" }, 3, targeted(3)],
    [{ kind: "autoattack", version: "plus" }, 2, margin],
    [{ kind: "autoattack", version: "rand" }, 3, undefined],
  ];
  for (const [spec, classes, note] of cases) assertEquals(fewClasses(spec, classes), note);
});
