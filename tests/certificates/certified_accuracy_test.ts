import { assertEquals } from "@std/assert";
import { type CertificateRow, type CertifiedRadiusRow, wilson } from "../../lib/core/mod.ts";
import { certifiedAccuracy } from "../../lib/certificates/mod.ts";

const shared = { method: "net", label: 0, certificate: "ibp", norm: "Linf", lowerMargin: 1 };

Deno.test("certified accuracy counts the images whose radius reaches so far", () => {
  const rows: CertifiedRadiusRow[] = [0, 0.01, 0.02, 0.05].map((radius, image) => (
    { ...shared, image, radius, certified: image > 0 }
  ));
  const counted = certifiedAccuracy(rows, ["0.02", "0", "8/255"]);
  assertEquals(counted.map(({ eps, n, correct }) => [eps, n, correct]), [["0", 4, 3], ["0.02", 4, 2], ["8/255", 4, 1]]);
  assertEquals(counted[0], { method: "net", attack: "ibp Linf", eps: "0", n: 4, correct: 3, ...wilson(3, 4) });
});

Deno.test("rows at radii are counted at their own, networks and certificates apart", () => {
  const at = (eps: string, certified: boolean, certificate = "ibp"): CertificateRow => (
    { ...shared, image: 1, eps, certified, certificate }
  );
  const counted = certifiedAccuracy([
    at("2/255", true),
    at("1/255", true),
    at("2/255", false),
    at("1/255", true, "crown"),
  ]);
  assertEquals(counted.map(({ attack, eps, n, correct }) => [attack, eps, n, correct]), [
    ["ibp Linf", "1/255", 1, 1],
    ["ibp Linf", "2/255", 2, 1],
    ["crown Linf", "1/255", 1, 1],
  ]);
});
