import type { CertifiedNorm } from "./bound_spec.ts";
import type { LocalCertificate } from "./local_certificates.ts";

/** How far a student's certificate is its teacher's, at one image. */
export interface CertificateComparison {
  /** max_k |m_S,k - m_T,k|. */
  readonly marginError: number;
  /** max_k ||grad m_S,k - grad m_T,k||_q. */
  readonly gradientError: number;
  /** Whether the linear regions of both reach as far as the teacher's margin radius. */
  readonly regionsReach: boolean;
  /** The radius that the student is certified at by its teacher's margins and the errors; 0 where that says nothing. */
  readonly promised: number;
}

/**
 * What a teacher's certificate says about its student. With e_k = |m_S,k - m_T,k| and g_k = ||grad m_S,k - grad m_T,k||_q
 * at the image, within the student's linear region
 *
 *   m_S,k(x + d) >= m_T,k - e_k - ||d|| (||grad m_T,k||_q + g_k),
 *
 * so that the student is certified at min(region_S, min_k (m_T,k - e_k) / (||grad m_T,k||_q + g_k)). Where all e_k and g_k
 * are 0 and both regions reach the teacher's margin radius, both are certified at exactly that radius. Every margin's
 * gradient must agree: equal gradients of the cross-entropy fix one combination of them and do not suffice.
 *
 * This is what we prove of the kind of statement that Shao et al. (2021), "How and when adversarial robustness transfers
 * in knowledge distillation?", make; it is not their theorem. Source of the margin radius: Hein, Andriushchenko, "Formal
 * guarantees on the robustness of a classifier against adversarial manipulation" (2017).
 *
 * @param student The student's certificate.
 * @param teacher The teacher's, at the same image and class.
 * @param norm Norm of the balls of both.
 * @returns The errors, and what follows from them.
 * @throws {RangeError} If they are of different numbers of classes or pixels.
 */
export function compareCertificates(
  student: LocalCertificate,
  teacher: LocalCertificate,
  norm: CertifiedNorm,
): CertificateComparison {
  const classes = teacher.margins.length;
  if (student.margins.length !== classes || student.gradients.length !== teacher.gradients.length) {
    throw new RangeError(
      `Cannot compare certificates of ${student.margins.length} and ${classes} classes, ` +
        `${student.gradients.length} and ${teacher.gradients.length} derivatives: give those of the same image`,
    );
  }
  const size = teacher.gradients.length / classes;
  let [marginError, gradientError, reach] = [0, 0, Infinity];
  for (let k = 0; k < classes; k++) {
    const error = Math.abs(student.margins[k]! - teacher.margins[k]!);
    const own = teacher.gradients.subarray(k * size, (k + 1) * size);
    const apart = dualNorm(own.map((value, i) => student.gradients[k * size + i]! - value), norm);
    [marginError, gradientError] = [Math.max(marginError, error), Math.max(gradientError, apart)];
    const slope = dualNorm(own, norm) + apart;
    // The class itself, whose margin is 0 everywhere.
    if (teacher.margins[k] === 0 && error === 0 && slope === 0) continue;
    reach = Math.min(reach, Math.max(0, (teacher.margins[k]! - error) / slope));
  }
  return {
    marginError,
    gradientError,
    regionsReach: Math.min(student.regionRadius, teacher.regionRadius) >= teacher.marginRadius,
    promised: Math.min(student.regionRadius, reach),
  };
}

function dualNorm(values: Float32Array, norm: CertifiedNorm): number {
  return norm === "Linf"
    ? values.reduce((sum, value) => sum + Math.abs(value), 0)
    : Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}
