import { fileOf } from "./_pillow.ts";

/** Classes b and a, of two images and three, in folders: b's are JPEG, one of a's in a folder of its own. */
export async function writeTinyFolder(root: string): Promise<void> {
  await Deno.mkdir(`${root}/b`, { recursive: true });
  await Deno.mkdir(`${root}/a/more`, { recursive: true });
  await Deno.writeFile(`${root}/b/1.JPEG`, fileOf("rgb.jpg"));
  await Deno.writeFile(`${root}/b/0.jpg`, fileOf("grey.jpg"));
  await Deno.writeFile(`${root}/a/2.png`, fileOf("rgb.png"));
  await Deno.writeFile(`${root}/a/10.png`, fileOf("palette.png"));
  await Deno.writeFile(`${root}/a/more/0.png`, fileOf("clear.png"));
  await Deno.writeTextFile(`${root}/a/notes.txt`, "no image");
}
