import { assertEquals, assertRejects } from "@std/assert";
import { DataError, readNpy } from "../../lib/core/mod.ts";
import { inTempFolder } from "../testing/in_temp_folder.ts";
import { npy, npyHeader } from "../testing/npy.ts";

/** Runs a body with the path of a file of these bytes. */
const withFile = (bytes: Uint8Array, body: (path: string) => Promise<void>) =>
  inTempFolder(async (folder) => {
    await Deno.writeFile(`${folder}/a.npy`, bytes);
    await body(`${folder}/a.npy`);
  });

/** Asserts how a file is refused. */
const refuses = (bytes: Uint8Array, message: string, rows?: Parameters<typeof readNpy>[1]) =>
  withFile(bytes, async (path) => {
    const error = await assertRejects(() => readNpy(path, rows), DataError);
    assertEquals(error.message, `Cannot read "${path}" as .npy as ${message}`);
  });

// numpy.save of NumPy 2: numpy.array([[1, -2, 3], [4, 5, 6]], "<i4"), as base64.
const SAVED = "k05VTVBZAQB2AHsnZGVzY3InOiAnPGk0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9ICAgICAg" +
  "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoBAAAA/v///wMAAAAEAAAABQAAAAYAAAA=";

Deno.test("readNpy() reads what NumPy writes", async () => {
  await withFile(Uint8Array.fromBase64(SAVED), async (path) => {
    const fileShape = [2, 3];
    assertEquals(await readNpy(path), {
      fileShape,
      shape: [2, 3],
      dtype: "int32",
      data: Int32Array.of(1, -2, 3, 4, 5, 6),
    });
    const row = await readNpy(path, { first: 1, count: 1 });
    assertEquals(row, { fileShape, shape: [1, 3], dtype: "int32", data: Int32Array.of(4, 5, 6) });
    assertEquals((await readNpy(path, { first: 2, count: 0 })).shape, [0, 3]);
  });
});

Deno.test("readNpy() reads every type, both versions, keys in any order, no axis and one axis", async () => {
  const read = async (bytes: Uint8Array) => {
    let result: unknown[] = [];
    await withFile(bytes, async (path) => {
      const { dtype, shape, data } = await readNpy(path);
      result = [dtype, shape, [...data]];
    });
    return result;
  };
  assertEquals(await read(npy("|u1", [3], Uint8Array.of(7, 0, 255))), ["uint8", [3], [7, 0, 255]]);
  assertEquals(await read(npy("<f4", [1, 2], Float32Array.of(0.5, -2))), ["float32", [1, 2], [0.5, -2]]);
  assertEquals(await read(npy("<i8", [2], BigInt64Array.of(-1n, 2n ** 31n - 1n))), ["int32", [2], [-1, 2 ** 31 - 1]]);
  assertEquals(await read(npy("<i4", [], Int32Array.of(5))), ["int32", [], [5]]);
  assertEquals(await read(npy("|u1", [0, 4], new Uint8Array(0))), ["uint8", [0, 4], []]);
  const other = "{ 'shape': (2L,), 'fortran_order': False, 'descr': '|u1' }\n";
  assertEquals(await read(npyHeader(other, Uint8Array.of(1, 2), [2, 0])), ["uint8", [2], [1, 2]]);
});

Deno.test("readNpy() refuses a header that lies about the length, before it takes memory", async () => {
  const two = Uint8Array.of(1, 2);
  const again = "copy or download it again";
  await refuses(npy("|u1", [3], two), `its shape (3) takes 3 bytes of |u1 where 2 follow: ${again}`);
  await refuses(npy("|u1", [1], two), `its shape (1) takes 1 bytes of |u1 where 2 follow: ${again}`);
  await refuses(
    npy("<i8", [2 ** 40, 2 ** 40], two),
    `its shape (1099511627776, 1099511627776) takes 9.671406556917033e+24 bytes of <i8 where 2 follow: ${again}`,
  );
  const header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n";
  const long = npyHeader(header, two, [2, 0]);
  new DataView(long.buffer).setUint32(8, 0xffffffff, true);
  await refuses(
    long,
    `it says that its header has 4294967295 bytes where ${long.length - 12} follow: ${again}`,
  );
  await refuses(
    npyHeader(header.trimEnd().padEnd(10_001), two, [1, 0]),
    `its header has 10001 bytes where at most 10000 are allowed: ${again}`,
  );
});

Deno.test("readNpy() refuses what it would read wrongly", async () => {
  const one = Uint8Array.of(1);
  const again = "copy or download it again";
  await refuses(new Uint8Array(9), `it has 9 bytes where at least 10 were expected: ${again}`);
  await refuses(new Uint8Array(20), "it does not begin as such a file: check the path");
  await refuses(
    npyHeader("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }\n", one, [3, 0]),
    "its version is 3.0 where 1.0 or 2.0 was expected: write it by numpy.save",
  );
  const fortran = "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }\n";
  await refuses(
    npyHeader(fortran, new Uint8Array(4), [1, 0]),
    "it is in Fortran order: write it by numpy.ascontiguousarray",
  );
  for (const descr of [">i4", "|O", "<f8"]) {
    await refuses(npy(descr, [1], one), `its elements are "${descr}": write it as one of |u1, <i4, <i8, <f4`);
  }
  const none = (text: string) =>
    refuses(
      npyHeader(`${text}\n`, one, [1, 0]),
      `its header is not one of an array: ${JSON.stringify(text)}: ${again}`,
    );
  await none("{'descr': '|u1', 'fortran_order': False, 'shape': (1), }");
  await none("{'descr': '|u1', 'fortran_order': False, 'shape': (-1,), }");
  await none("{'descr': '|u1', 'fortran_order': False, }");
  await none("{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (1,), }");
  await none("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'more': 1}");
  await none("{'descr': '|u1', 'fortran_order': 0, 'shape': (1,), }");
  await none("");
  await refuses(
    npyHeader("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1,), }\n", one, [1, 0]),
    `its header has "descr" twice: ${again}`,
  );
  await refuses(
    npy("<i8", [1], BigInt64Array.of(2n ** 31n)),
    "it holds 2147483648, which does not fit into 32 bits: write it as <i4 or <f4",
  );
  await refuses(npy("|u1", [1], one), "it has 1 rows where 1 from row 1 were asked for: check the file", {
    first: 1,
    count: 1,
  });
  await refuses(npy("|u1", [], one), "it has no rows where 1 from row 0 were asked for: check the file", {
    first: 0,
    count: 1,
  });
});

Deno.test("readNpy() says where there is no file, and refuses rows that are none", async () => {
  await inTempFolder(async (folder) => {
    const error = await assertRejects(() => readNpy(`${folder}/b.npy`), DataError);
    assertEquals(error.message, `Cannot read "${folder}/b.npy" as .npy as there is no such file: check the path`);
  });
  await withFile(npy("|u1", [1], Uint8Array.of(1)), async (path) => {
    await assertRejects(() => readNpy(path, { first: -1, count: 1 }), RangeError, "Cannot read 1 rows from row -1");
  });
});
