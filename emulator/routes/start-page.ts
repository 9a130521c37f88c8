import { createHash } from 'node:crypto';
import { OPERATION_ROUTES } from '../../contract/operation-routes.ts';
import { CONTROL_ROUTES } from '../control-routes.ts';
import { type RequestContext, Routes } from '../http/context.ts';
import { DIALECT } from '../http/middleware.ts';
import { respond, send, setHeader } from '../http/respond.ts';
import { VERSION } from '../version.ts';

interface StartPageOptions {
  /** Where answers come from: a model of its own, or an upstream. */
  isGateway: boolean;
  isStateless: boolean;
}

/** What `GET /` says. */
interface StartPage {
  object: 'emulator';
  name: 'kimi-emulator';
  version: string;
  kind: 'emulator' | 'gateway';
  base_url: string;
  /** Each with its operation in the contract, or what it is for. */
  routes: { api: Record<string, string>; control: Record<string, string> };
  docs: Record<string, string>;
}

const DOCS = {
  '/openapi.json': 'the API with all its fields and limits',
  'docs/api.md': 'the same as a page; this file and the others are in the package',
  'docs/cli.md': 'what the server prints, and the commands that look into it',
  'docs/testing.md': 'in tests, with and without a port',
};

const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}code{font-family:ui-monospace,monospace;overflow-wrap:anywhere}
table{border-collapse:collapse}td{padding:.15rem 1.5rem .15rem 0;vertical-align:top}`;

/** Nothing but the one style of the page is loaded, and nobody may frame it. */
const POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** The start page: HTML for a browser, JSON for everybody else. */
export function startPageRoutes(options: StartPageOptions) {
  const routes = new Routes();
  routes.get('/', (c) => {
    setHeader(c, 'Vary', c.req.header('origin') === undefined ? 'Accept' : 'Accept, Origin');
    setHeader(c, 'Cache-Control', 'no-store');
    const page = startPage(c, options);
    if (!(c.req.header('accept') ?? '').includes('text/html')) return respond(c, { body: page });
    setHeader(c, 'Content-Type', 'text/html; charset=utf-8');
    setHeader(c, 'Content-Security-Policy', POLICY);
    setHeader(c, 'X-Content-Type-Options', 'nosniff');
    setHeader(c, 'Referrer-Policy', 'no-referrer');
    return send(c, 200, toHtml(page));
  });
  return routes;
}

function startPage(c: RequestContext, { isGateway, isStateless }: StartPageOptions): StartPage {
  const served = Object.entries(OPERATION_ROUTES).filter(([, { path }]) => !isStateless || !DIALECT.test(path));
  return {
    object: 'emulator',
    name: 'kimi-emulator',
    version: VERSION,
    kind: isGateway ? 'gateway' : 'emulator',
    base_url: `${new URL(c.req.url).origin}/v1`,
    routes: {
      api: Object.fromEntries(served.map(([id, { method, path }]) => [`${method.toUpperCase()} ${path}`, id])),
      control: Object.fromEntries(CONTROL_ROUTES.map(({ route, meaning }) => [route, meaning])),
    },
    docs: DOCS,
  };
}

function toHtml({ version, kind, base_url, routes, docs }: StartPage): string {
  const others = kind === 'gateway' ? '<p>Other routes below /v1 are handed on to the upstream.</p>\n' : '';
  return `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>kimi-emulator</title><style>${STYLE}</style></head>
<body>
<h1>kimi-emulator ${escaped(version)}, ${kind}</h1>
<p>Clients take <code>${escaped(base_url)}</code> as their base URL.</p>
<h2>API</h2>
${table(routes.api)}${others}<h2>Control routes</h2>
${table(routes.control)}<h2>Documentation</h2>
${table(docs)}</body>
</html>
`;
}

/** What can be opened by its path alone is a link. */
function table(rows: Readonly<Record<string, string>>): string {
  const cells = Object.entries(rows).map(([name, meaning]) => {
    const path = /^(?:GET )?(\/(?:_emulator\/[\w/]+|openapi\.json))$/.exec(name)?.[1];
    const shown = `<code>${escaped(name)}</code>`;
    const linked = path === undefined ? shown : `<a href="${escaped(path)}">${shown}</a>`;
    return `<tr><td>${linked}</td><td>${escaped(meaning)}</td></tr>\n`;
  });
  return `<table>\n${cells.join('')}</table>\n`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
