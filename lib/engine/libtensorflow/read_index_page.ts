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
 * Reads the page of a package in a Python package index.
 *
 * Source: PEP 503: links to the files, whose checksums are the fragments of the addresses.
 *
 * @param text The page, HTML.
 * @param url Its address, which links are relative to.
 * @returns The files of the package, in the order of the page.
 */
export function readIndexPage(text: string, url: string): IndexFile[] {
  const links = text.matchAll(/<a\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)')/gi);
  return Array.from(links).flatMap(([, double, single]) => {
    const href = (double ?? single)!.trim().replaceAll("&amp;", "&");
    if (!URL.canParse(href, url)) return [];
    const address = new URL(href, url);
    const sha256 = address.hash.match(/^#sha256=([0-9a-f]{64})$/i)?.[1];
    address.hash = "";
    const name = decodeURIComponent(address.pathname.split("/").at(-1)!);
    return [{ name, url: address.href, ...(sha256 === undefined ? {} : { sha256 }) }];
  });
}
