import { DataError } from "../../core/mod.ts";

/** A file that a package index has. */
export interface IndexFile {
  /** File name. */
  readonly name: string;
  /** Address. */
  readonly url: string;
  /** SHA-256 (hex), where the index tells it. */
  readonly sha256?: string;
}

/**
 * Reads the page of a package, of either kind that package indexes send.
 *
 * Source: PEP 503 (HTML; the checksum is the fragment of a link), PEP 691 (JSON).
 *
 * @param text The page.
 * @param url Its address, which links are relative to.
 * @returns The files of the package, in the order of the page.
 * @throws {DataError} If it is JSON of another form.
 */
export function readIndexPage(text: string, url: string): IndexFile[] {
  const links = text.trimStart().startsWith("{") ? linksOfJson(text, url) : linksOfHtml(text);
  return links.flatMap(({ href, sha256 }) => {
    if (!URL.canParse(href, url)) return [];
    const address = new URL(href, url);
    const digest = sha256 ?? address.hash.match(/^#sha256=([0-9a-f]{64})$/i)?.[1];
    address.hash = "";
    const name = decodeURIComponent(address.pathname.split("/").at(-1)!);
    return [{ name, url: address.href, ...(digest === undefined ? {} : { sha256: digest }) }];
  });
}

interface Link {
  readonly href: string;
  readonly sha256?: string;
}

function linksOfHtml(text: string): Link[] {
  return Array.from(text.matchAll(/<a\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)')/gi), ([, double, single]) => ({
    href: (double ?? single)!.trim().replaceAll("&amp;", "&"),
  }));
}

function linksOfJson(text: string, url: string): Link[] {
  try {
    const { files } = JSON.parse(text) as { files: { url: string; hashes?: { sha256?: string } }[] };
    return files.map(({ url: href, hashes }) =>
      hashes?.sha256 === undefined ? { href } : { href, sha256: hashes.sha256 }
    );
  } catch {
    throw new DataError(`Cannot read "${url}" as a page of a package index: check the address of the index`);
  }
}
