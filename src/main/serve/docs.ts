/** /openapi.json, and /docs: the same document as a page one can read, without a script and without a foreign host. */

import type { FastifyInstance } from 'fastify';
import { CATALOGUE } from '../../shared/errors.ts';
import { escapeHtml } from '../report/escape.ts';
import type { ApiDocument } from './openapi.ts';

export function serveDocs(app: FastifyInstance, document: ApiDocument): void {
  const page = renderDocs(document);
  app.get('/openapi.json', () => document);
  app.get('/docs', (_request, reply) => reply.type('text/html; charset=utf-8').send(page));
}

type Schema = Record<string, unknown>;
interface Operation {
  summary?: string;
  operationId?: string;
  tags?: string[];
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema: Schema }[];
  requestBody?: { content: Record<string, { schema?: Schema }> };
  responses?: Record<string, { description?: string; content?: Record<string, { schema?: Schema }> }>;
}

function renderDocs(document: ApiDocument): string {
  const groups = new Map<string, string[]>();
  for (const [path, methods] of Object.entries(document.paths ?? {})) {
    const { servers, ...operations } = methods ?? {};
    const base = (servers?.[0]?.url ?? document.servers?.[0]?.url ?? '').replace(/\/$/, '');
    for (const [method, operation] of Object.entries(operations) as [string, Operation][]) {
      const tag = operation.tags?.[0] ?? 'other';
      groups.set(tag, [...(groups.get(tag) ?? []), renderOperation(method, base + path, operation)]);
    }
  }
  const sections = [...groups].map(
    ([tag, operations]) => `<h2>${escapeHtml(tag)}</h2>${operations.join('')}`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(document.info.title)} API</title>
<style>${STYLE}</style>
<main>
<h1>${escapeHtml(document.info.title)} API <small>${escapeHtml(document.info.version)}</small></h1>
<p>${escapeHtml(document.info.description ?? '')}</p>
<p>Machine-readable: <a href="/openapi.json">/openapi.json</a>. Also here: <a href="/metrics">/metrics</a> (Prometheus),
<a href="/health">/health</a>, <a href="/ready">/ready</a>, and the same operations over WebSocket at <code>/api/rpc</code>.</p>
${sections.join('\n')}
<h2>errors</h2>
<p>Every failure answers with <code>{ code, message, field?, hint }</code>.</p>
<table><tr><th>code<th>status<th>hint</tr>
${Object.entries(CATALOGUE)
  .map(([code, { status, hint }]) => `<tr><td><code>${code}</code><td>${status}<td>${escapeHtml(hint)}</tr>`)
  .join('\n')}
</table>
</main>
</html>
`;
}

function renderOperation(method: string, path: string, operation: Operation): string {
  const parameters = (operation.parameters ?? []).map(
    ({ name, in: where, required, description = '', schema }) =>
      `<tr><td><code>${escapeHtml(name)}</code><td>${where}<td>${required ? 'required' : 'optional'}<td>${renderType(schema)} <i>${escapeHtml(description)}</i></tr>`,
  );
  const body = Object.entries(operation.requestBody?.content ?? {})[0];
  const answers = Object.entries(operation.responses ?? {})
    .filter(([status]) => status !== 'default')
    .map(([status, { content }]) => {
      const [type, media] = Object.entries(content ?? {})[0] ?? [];
      return `<h4>${status} <small>${escapeHtml(type ?? 'no content')}</small></h4>${media?.schema ? `<pre>${renderType(media.schema)}</pre>` : ''}`;
    });
  return `<details><summary><b class="${method}">${method.toUpperCase()}</b> <code>${escapeHtml(path)}</code> <span>${escapeHtml(operation.summary ?? '')}</span></summary>
${parameters.length > 0 ? `<table>${parameters.join('')}</table>` : ''}
${body ? `<h4>body <small>${escapeHtml(body[0])}</small></h4><pre>${renderType(body[1].schema ?? {})}</pre>` : ''}
${answers.join('')}
</details>`;
}

/** A JSON schema as one would write the type down, with its bounds as a comment. */
function renderType(schema: Schema, depth = 0): string {
  const pad = '  '.repeat(depth + 1);
  const union = (schema['anyOf'] ?? schema['oneOf']) as Schema[] | undefined;
  if (union) return union.map((branch) => renderType(branch, depth)).join(' | ');
  if (schema['const'] !== undefined) return escapeHtml(JSON.stringify(schema['const']));
  if (schema['enum'])
    return (schema['enum'] as unknown[]).map((value) => escapeHtml(JSON.stringify(value))).join(' | ');
  if (schema['type'] === 'array') return `${renderType((schema['items'] ?? {}) as Schema, depth)}[]`;
  const properties = schema['properties'] as Record<string, Schema> | undefined;
  if (properties) {
    const required = new Set((schema['required'] ?? []) as string[]);
    const lines = Object.entries(properties).map(
      ([name, type]) =>
        `${pad}${escapeHtml(name)}${required.has(name) ? '' : '?'}: ${renderType(type, depth + 1)}`,
    );
    return `{\n${lines.join('\n')}\n${'  '.repeat(depth)}}`;
  }
  return escapeHtml(String(schema['type'] ?? 'any')) + bounds(schema);
}

function bounds(schema: Schema): string {
  const notes = [
    schema['minimum'] !== undefined || schema['maximum'] !== undefined
      ? `${schema['minimum'] ?? '…'} to ${schema['maximum'] ?? '…'}`
      : null,
    schema['default'] !== undefined ? `default ${JSON.stringify(schema['default'])}` : null,
  ].filter((note) => note !== null);
  return notes.length > 0 ? ` <i>(${escapeHtml(notes.join(', '))})</i>` : '';
}

const STYLE = `
:root { color-scheme: light dark; --line: #8885; --dim: #808080; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 960px; margin: 0 auto; padding: 24px 16px 64px; }
small, summary span, i { color: var(--dim); font-weight: normal; font-style: normal; }
h2 { border-bottom: 1px solid var(--line); margin-top: 40px; }
h4 { margin: 16px 0 4px; }
details { border-bottom: 1px solid var(--line); padding: 8px 0; }
summary { cursor: pointer; }
summary b { display: inline-block; width: 4.5em; }
summary span { float: right; }
pre, code { font: 13px/1.5 ui-monospace, monospace; }
pre { background: #8881; padding: 8px 12px; overflow: auto; margin: 0; }
table { border-collapse: collapse; width: 100%; margin: 8px 0; }
td, th { text-align: left; padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
`;
