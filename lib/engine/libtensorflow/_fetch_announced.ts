import { join } from "node:path";
import { fetchFile } from "../../core/mod.ts";
import type { SourceContext } from "./library_source.ts";

/** Downloads a file into the folder of downloads; what comes is announced before its first byte does. */
export async function fetchAnnounced(
  { downloads, announce, onProgress, signal }: SourceContext,
  { name, url, sha256, headers, kept }: {
    readonly name: string;
    readonly url: string;
    readonly sha256: string;
    readonly headers?: Readonly<Record<string, string>>;
    /** Bytes that will be kept of it, about. */
    readonly kept: number;
  },
): Promise<string> {
  let announced = false;
  return await fetchFile({
    url,
    to: join(downloads, name),
    sha256,
    ...(headers === undefined ? {} : { headers }),
    ...(signal === undefined ? {} : { signal }),
    advice: "pass the file with --wheel FILE",
    onProgress: ({ done, total }) => {
      if (!announced) announce(`${name} from ${new URL(url).host}`, total > 0 ? total - done : undefined, kept);
      announced = true;
      onProgress?.({ label: `fetch ${name}`, done, total });
    },
  });
}
