import { assert, assertEquals, assertRejects } from "@std/assert";
import { ChecksumError, DataError } from "../../../lib/core/mod.ts";
import { fetchFromIndex } from "../../../lib/engine/libtensorflow/fetch_from_index.ts";
import { inTempFolder } from "../../testing/in_temp_folder.ts";
import { rangeOf, sendBytes, withServer } from "../../testing/servers.ts";
import { sourceContext, WHEEL, WHEEL_SHA256 } from "./_source_context.ts";

const NAME = "tensorflow_cpu-2.21.0-cp312-cp312-manylinux_2_27_x86_64.whl";

/** The page of an index with the wheel of this system and of others. */
const page = (fragment = `#sha256=${WHEEL_SHA256}`, prefix = "../../files/") =>
  [
    NAME.replace("2.21.0", "2.20.0"),
    NAME.replaceAll("cp312", "cp310"),
    NAME.replace("x86_64", "aarch64"),
    NAME.replace("manylinux_2_27_x86_64", "win_amd64").replaceAll("cp312", "cp313"),
    NAME,
  ].map((name) => `<a href="${prefix}${name}${name === NAME ? fragment : ""}">${name}</a>`).join("\n");

/** An index that sends the page, and the wheel as told. */
const index = (text: string, wheel: (request: Request) => Response) => (request: Request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/simple/tensorflow-cpu/") return new Response(text, { headers: { "content-type": "text/html" } });
  return pathname === `/files/${NAME}` ? wheel(request) : new Response("no", { status: 404, statusText: "Not Found" });
};

const failure = async (context: Parameters<typeof fetchFromIndex>[0]) =>
  (await assertRejects(() => fetchFromIndex(context), DataError)).message;

Deno.test("fetchFromIndex() fetches the wheel of this system among others, and says before what comes", async () => {
  await withServer(
    index(page(), (request) => sendBytes(WHEEL, rangeOf(request))),
    ({ url, asked }) =>
      inTempFolder(async (root) => {
        // The second index that pip is configured for has it; the first is not there.
        const env = (name: string) => name === "PIP_INDEX_URL" ? `${url}/gone/ ${url}/simple/` : undefined;
        const context = sourceContext(root, { env });
        const path = `${root}/downloads/${NAME}`;
        assertEquals(await fetchFromIndex(context), { kind: "archives", paths: [path] });
        assertEquals(await Deno.readFile(path), WHEEL);
        assertEquals(asked, ["/gone/tensorflow-cpu/", "/simple/tensorflow-cpu/", `/files/${NAME}`]);
        assertEquals(context.announced, [[`${NAME} from ${new URL(url).host}`, WHEEL.length, 853_308_936]]);
      }),
  );
});

Deno.test("fetchFromIndex() goes on where the connection was cut", async () => {
  let count = 0;
  const cut = (request: Request) => sendBytes(WHEEL, rangeOf(request), count++ === 0 ? 100 : undefined);
  await withServer(index(page(), cut), ({ url, asked }) =>
    inTempFolder(async (root) => {
      const context = sourceContext(root, { index: `${url}/simple` });
      const message = await failure(context);
      assert(message.startsWith(`Cannot fetch all of "${url}/files/${NAME}" as the connection broke after 100 of `));
      assertEquals((await Deno.stat(`${root}/downloads/${NAME}.part`)).size, 100);
      await fetchFromIndex(context);
      assertEquals(await Deno.readFile(`${root}/downloads/${NAME}`), WHEEL);
      assertEquals(asked.at(-1), `/files/${NAME} bytes=100-`);
      assertEquals(context.announced.at(-1), [
        `${NAME} from ${new URL(url).host}`,
        WHEEL.length - 100,
        853_308_936,
      ]);
    }));
});

Deno.test("fetchFromIndex() refuses another file than the index promises, and one without a checksum", async () => {
  for (const fragment of [`#sha256=${"0".repeat(64)}`, ""]) {
    await withServer(index(page(fragment), () => sendBytes(WHEEL, 0)), ({ url }) =>
      inTempFolder(async (root) => {
        const context = sourceContext(root, { index: `${url}/simple` });
        if (fragment) {
          const error = await assertRejects(() => fetchFromIndex(context), ChecksumError);
          assertEquals([error.expected, error.actual], ["0".repeat(64), WHEEL_SHA256]);
          assertEquals(Array.from(Deno.readDirSync(`${root}/downloads`)), []);
        } else assertEquals(await failure(context), `${url}/simple tells no SHA-256 of ${NAME}`);
      }));
  }
});

Deno.test("fetchFromIndex() says what each index lacks", async () => {
  let closed = "";
  await withServer(index(page().replaceAll("_x86_64", "_riscv64"), () => sendBytes(WHEEL, 0)), async ({ url }) => {
    assertEquals(
      await failure(sourceContext("", { index: `${url}/simple` })),
      `${url}/simple has no wheel of tensorflow-cpu 2.21.0 for this system`,
    );
    assertEquals(
      await failure(sourceContext("", { index: `${url}/gone` })),
      `${url}/gone/tensorflow-cpu/ answers 404 Not Found`,
    );
    closed = url;
  });
  const env = (name: string) => name === "PIP_EXTRA_INDEX_URL" ? `${closed}/simple file:///no/such/folder` : undefined;
  const [first, second, ...rest] = (await failure(sourceContext("", { env }))).split("; ");
  assert(first!.startsWith(`${closed}/simple/tensorflow-cpu/ cannot be read (client error (Connect): `), first);
  assertEquals(second, "file:///no/such/folder/tensorflow-cpu/ cannot be read (there is no such file)");
  assertEquals(rest, []);
});

Deno.test("fetchFromIndex() says where it asks none", async () => {
  const none = sourceContext("", { target: { os: "plan9" as "linux", arch: "x86_64" } });
  assertEquals(await failure(none), "there is no wheel with TensorFlow's library for plan9 on x86_64");
  assertEquals(
    await failure(sourceContext("", { gpu: true })),
    "a package index is not asked for CUDA's libraries, which need pip",
  );
  assertEquals(await failure(sourceContext("", { index: "example" })), '"example" is no address of a package index');
  assertEquals(
    await failure(sourceContext("", { index: "http://x:secret@example.org/simple" })),
    "http://example.org/simple/tensorflow-cpu/ is not asked as it is no HTTPS",
  );
});

Deno.test("fetchFromIndex() sends a password to its index alone, and tells nobody", async () => {
  const seen: (string | null)[] = [];
  const answer = (request: Request) => {
    seen.push(request.headers.get("authorization"));
    return index(page(), () => sendBytes(WHEEL, 0))(request);
  };
  await withServer(answer, ({ url }) =>
    inTempFolder(async (root) => {
      const host = new URL(url).host;
      const secret = `Basic ${btoa("me:p@ss")}`;
      await fetchFromIndex(sourceContext(root, { index: `http://me:p%40ss@${host}/simple` }));
      assertEquals(seen, [secret, secret]);
      assertEquals(
        await failure(sourceContext(root, { index: `http://me:p%40ss@${host}/gone` })),
        `${url}/gone/tensorflow-cpu/ answers 404 Not Found`,
      );
      // The same files under another address of this machine.
      const other = page(undefined, `${url.replace("127.0.0.1", "localhost")}/files/`);
      await withServer(index(other, () => sendBytes(WHEEL, 0)), async (server) => {
        seen.length = 0;
        await Deno.remove(`${root}/downloads`, { recursive: true });
        await fetchFromIndex(sourceContext(root, { index: `http://me:p@${new URL(server.url).host}/simple` }))
          .catch(() => {}); // where localhost is no 127.0.0.1
        assert(!seen.some((header) => header !== null));
      });
    }));
});

Deno.test("fetchFromIndex() takes a wheel of an index on this disk as it lies there", async () => {
  await inTempFolder(async (root) => {
    await Deno.mkdir(`${root}/simple/tensorflow-cpu`, { recursive: true });
    await Deno.mkdir(`${root}/files`);
    await Deno.writeTextFile(`${root}/simple/tensorflow-cpu/index.html`, page());
    const context = sourceContext(root, { index: `file://${root}/simple/` });
    assertEquals(await failure(context), `file://${root}/simple lists ${NAME}, which is not there`);
    await Deno.writeFile(`${root}/files/${NAME}`, WHEEL);
    assertEquals(await fetchFromIndex(context), { kind: "archives", paths: [`${root}/files/${NAME}`] });
    assertEquals(context.announced.at(-1), [NAME, 0, 853_308_936]);
    await Deno.writeFile(`${root}/files/${NAME}`, WHEEL.slice(1));
    await assertRejects(() => fetchFromIndex(context), ChecksumError, "was expected: repair the index");
    assertEquals((await Deno.stat(`${root}/files/${NAME}`)).size, WHEEL.length - 1);
  });
});
