/** Chromium as a client of HTTP/3: a page of ours fetches the files and writes them, in base64, into its own document. */
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isInstalled, NotApplicable, type Peer, runProgram } from './peer.ts';

/** Virtual time the page gets, milliseconds: what it waits for on the network does not count. */
const BUDGET_MS = 60_000;

/** Where our server has the page; the paths to fetch are its query. */
export const PAGE_PATH = '/page';

/** The page that fetches what its query names. */
export const PAGE = `<!doctype html><title>interop</title><script>
(async () => {
  const paths = new URLSearchParams(location.search).getAll('path');
  await Promise.all(paths.map(async (path) => {
    const bytes = new Uint8Array(await (await fetch(path)).arrayBuffer());
    let text = '';
    for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
    const element = document.createElement('pre');
    element.id = path;
    element.textContent = btoa(text);
    document.body.append(element);
  }));
})();
</script><body></body>`;

export const chromium: Peer = {
  name: 'chromium',
  alpn: ['h3'],

  missing: () => (isInstalled('chromium') ? null : 'chromium (Debian: chromium)'),

  async fetch({ cert, folder }, options) {
    const { host, port, paths, out, signal } = options;
    if (options.again) throw new NotApplicable('its sessions are not resumed on demand');
    if (options.datagrams) throw new NotApplicable('it sends DATAGRAMs for WebTransport only');
    if (options.migrate) throw new NotApplicable('it does not move on demand');
    if (options.unknownVersion) throw new NotApplicable('its version is not chosen on demand');
    const leaf = new X509Certificate(readFileSync(cert));
    const spki = leaf.publicKey.export({ type: 'spki', format: 'der' });
    const where = host.includes(':') ? `[${host}]` : host;
    const query = paths.map((path) => `path=${encodeURIComponent(path)}`).join('&');
    const document = await runProgram(
      'chromium',
      [
        '--headless=new',
        '--no-sandbox',
        '--disable-gpu',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        // Without these rules it looks its own hosts up and fails silently.
        `--host-resolver-rules=MAP localhost ${where}, MAP * ~NOTFOUND`,
        `--origin-to-force-quic-on=localhost:${port}`,
        `--ignore-certificate-errors-spki-list=${createHash('sha256').update(spki).digest('base64')}`,
        `--user-data-dir=${folder()}`,
        `--virtual-time-budget=${BUDGET_MS}`,
        '--dump-dom',
        `https://localhost:${port}${PAGE_PATH}?${query}`,
      ],
      signal,
      { keep: Number.POSITIVE_INFINITY, stdoutOnly: true },
    );
    for (const path of paths) {
      const content = new RegExp(`<pre id="${path}">([A-Za-z0-9+/=]*)</pre>`).exec(document)?.[1];
      if (content === undefined) throw new Error(`the page did not get ${path}: ${document.slice(0, 300)}`);
      writeFileSync(join(out, basename(path)), Buffer.from(content, 'base64'));
    }
  },
};
