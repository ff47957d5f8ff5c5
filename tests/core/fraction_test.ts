import { assertEquals, assertThrows } from "@std/assert";
import { formatEps, parseEps, parseEpsList, UsageError } from "../../lib/core/mod.ts";

Deno.test("formatEps() writes radii of L1 and L2 above 1 as decimals", () => {
  assertEquals(["12", "1.5", "3060/255", 0.5].map((eps) => formatEps(eps, Infinity)), ["12", "1.5", "12", "0.5"]);
});

Deno.test("parseEps() reads fractions, decimals and numbers", () => {
  assertEquals(parseEps("8/255"), 8 / 255);
  assertEquals(parseEps(" 8 / 255 "), 8 / 255);
  assertEquals(parseEps("0.03"), 0.03);
  assertEquals(parseEps(".5"), 0.5);
  assertEquals(parseEps("3e-2"), 0.03);
  assertEquals(parseEps(0.25), 0.25);
  assertEquals(parseEps("0"), 0);
  assertEquals(parseEps("1"), 1);
  assertEquals(parseEps("128/255", 12), 128 / 255);
  assertEquals(parseEps("12", 12), 12);
});

Deno.test("parseEps() says what is wrong with a radius", () => {
  const message = (text: string | number) => assertThrows(() => parseEps(text), UsageError).message;
  const unread = (text: string | number) =>
    `Cannot read "${text}" as a radius: write a fraction such as 8/255 or a decimal such as 0.03`;
  for (const text of ["", "abc", "8/", "/255", "8/255/2", "0x8", "8 255", "1/0", "0/0", "Infinity", NaN, Infinity]) {
    assertEquals(message(text), unread(text));
  }
  assertEquals(message("-1/255"), 'Cannot use "-1/255" as a radius as it is negative: write 0 or more');
  assertEquals(
    message("8"),
    'Cannot use "8" as a radius as pixels are in [0, 1]: write a value between 0 and 1; did you mean 8/255?',
  );
  assertEquals(
    message(1.5),
    'Cannot use "1.5" as a radius as pixels are in [0, 1]: write a value between 0 and 1',
  );
});

Deno.test("formatEps() writes k/255 where the radius is that, else a decimal that reads back", () => {
  for (let k = 1; k <= 255; k++) {
    assertEquals(formatEps(k / 255), `${k}/255`);
    assertEquals(formatEps(k / 255 + 9e-10 * (k < 255 ? 1 : -1)), `${k}/255`);
  }
  assertEquals(formatEps("0.0"), "0");
  assertEquals(formatEps(-0), "0");
  assertEquals(formatEps(8 / 255 + 2e-9), String(8 / 255 + 2e-9));
  assertEquals(formatEps("0.03"), "0.03");
  assertEquals(formatEps(1e-12), "1e-12");
  for (const eps of [0.1, 1e-12, 1 / 3, 3 / 254]) assertEquals(parseEps(formatEps(eps)), eps);
});

Deno.test("parseEpsList() reads lists and ranges as canonical texts, each once", () => {
  assertEquals(parseEpsList("1/255..3/255"), ["1/255", "2/255", "3/255"]);
  assertEquals(parseEpsList("0..2/255"), ["0", "1/255", "2/255"]);
  assertEquals(parseEpsList("2/255, 4/255,0.03,0"), ["2/255", "4/255", "0.03", "0"]);
  assertEquals(parseEpsList("8/255,7/255..9/255"), ["8/255", "7/255", "9/255"]);
});

Deno.test("parseEpsList() refuses an empty list and ranges that do not rise over k/255", () => {
  for (const text of ["3/255..1/255", "0.03..8/255", "1/255..2/255..3/255"]) {
    assertEquals(
      assertThrows(() => parseEpsList(text), UsageError).message,
      `Cannot read "${text}" as a range of radii: write it rising in steps of 1/255, as 1/255..8/255`,
    );
  }
  assertThrows(() => parseEpsList(" , "), UsageError, 'Cannot read " , " as a list of radii');
  assertThrows(() => parseEpsList("1/255..x"), UsageError, 'Cannot read "x" as a radius');
});
