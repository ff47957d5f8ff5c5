import { assertEquals } from "@std/assert";
import { float32 } from "../../lib/core/mod.ts";
import { DISPLAY, imageGrid, showImages } from "../../lib/report/mod.ts";

Deno.test("showImages() gives the picture and what it shows as text", async () => {
  const images = float32([2, 4, 4, 3]);
  const columns = [{ label: "Clean", images }, { label: "Perturbation", images, signed: 10 }] as const;
  const options = { rows: ["disk", "ring"] };
  const bundle = await showImages(columns, options)[DISPLAY]();
  assertEquals(Object.keys(bundle), ["image/png", "text/plain"]);
  assertEquals(Uint8Array.fromBase64(bundle["image/png"] as string), await imageGrid(columns, options));
  assertEquals(bundle["text/plain"], "2 images: Clean, Perturbation ×10. Lines: disk, ring. Grey is 0.");
  assertEquals((await showImages([columns[0]])[DISPLAY]())["text/plain"], "2 images: Clean.");
});
