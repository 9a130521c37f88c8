import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { ApiError, invalid } from '../api-error.ts';
import { billingOf } from '../billing/billing.ts';
import { diagnose } from '../doctor/diagnose.ts';
import { type Handler, type RequestContext, Routes } from '../http/context.ts';
import { parseFields, readValue } from '../http/request-body.ts';
import { onClientGone, respond, send, sendEvents, setHeader, unknownRoute } from '../http/respond.ts';
import { exportJournal } from '../journal/journal-file.ts';
import type { Services } from '../services.ts';
import type { SessionRow } from '../store/sessions.ts';
import { VERSION } from '../version.ts';
import { act } from './actions.ts';
import { type Overview, PAGE_MESSAGES, type Timeline, type TurnList } from './answers.ts';
import { liveEvents } from './live.ts';
import { listRequests, requestText } from './requests.ts';
import { SessionLines } from './sessions.ts';
import { summaryOf } from './summary.ts';
import { difference, pageOf, searchDropped, subjectOf, textPart, windowAt } from './windows.ts';

/** Nothing from elsewhere, nothing inline, and in nobody's frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const FILES: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
};

const NOT_BUILT = '<!doctype html><title>kimi-emulator</title><p>The inspector is not built: run npm run build.</p>';

/** The page. Built files beside the sources' or the package's manifest; read when they are asked for. */
export function pageRoutes() {
  const routes = new Routes();
  const folder = join(
    dirname(createRequire(import.meta.url).resolve('kimi-emulator/package.json')),
    'dist/emulator/inspector/page',
  );
  const serve = (c: RequestContext, name: string) => {
    const type = FILES[name];
    if (type === undefined) return unknownRoute(c);
    setHeader(c, 'Content-Type', type);
    setHeader(c, 'Content-Security-Policy', POLICY);
    setHeader(c, 'X-Frame-Options', 'DENY');
    setHeader(c, 'X-Content-Type-Options', 'nosniff');
    setHeader(c, 'Cross-Origin-Opener-Policy', 'same-origin');
    setHeader(c, 'Cross-Origin-Resource-Policy', 'same-origin');
    setHeader(c, 'Referrer-Policy', 'no-referrer');
    setHeader(c, 'Cache-Control', 'no-cache');
    return send(c, 200, readFile(join(folder, name)) ?? NOT_BUILT);
  };
  routes.get('/', (c) => serve(c, 'index.html'));
  routes.get('/:file', (c) => serve(c, c.req.param('file')));
  return routes;
}

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

const whole = z.coerce.number().pipe(z.int().min(0));
const at = z.string().min(1).default('now');
const QUERIES = {
  none: z.strictObject({}),
  sessions: z.strictObject({ ids: z.string().exactOptional() }),
  timeline: z.strictObject({ moment: whole.default(0), request: whole.default(0), message: whole.exactOptional() }),
  window: z.strictObject({ at, from: whole.default(0), limit: whole.pipe(z.int().min(1).max(200)).default(100) }),
  text: z.strictObject({
    at,
    index: whole.default(0),
    entry: z
      .string()
      .regex(/^\d+\.\d+$/)
      .exactOptional(),
    field: z.string().default('text'),
    from: whole.default(0),
  }),
  diff: z.strictObject({ a: z.string().min(1), b: at }),
  search: z.strictObject({ at, q: z.string().min(1).max(500) }),
  summary: z.strictObject({ at, q: z.string().max(500).default(''), section: z.string().exactOptional() }),
  requests: z.strictObject({ since: whole.default(0) }),
  spend: z.strictObject({ session: z.string().exactOptional(), since: whole.default(0) }),
};

export interface Inspecting {
  services: Services;
  history: number;
  readOnly: boolean;
  /** Sends a request to this server. */
  send: (request: Request) => Response | Promise<Response>;
}

/** What the page reads and does. Actions need a token that only who can read these answers has. */
export function inspectRoutes({ services, history, readOnly, send: sendAgain }: Inspecting) {
  const routes = new Routes();
  const token = randomBytes(24).toString('base64url');
  const lines = new SessionLines(services);
  const { store, clock, model, tokenizer, journal } = services;
  const sessionOf = (c: RequestContext) => {
    const session = lines.find(c.req.param('id') ?? '');
    if (!session) throw new ApiError('session_not_found', { session: c.req.param('id') ?? '' });
    return session;
  };
  /** A session, or a snapshot. */
  const shownOf = (c: RequestContext) => {
    const subject = subjectOf(services, c.req.param('id') ?? '');
    if (!subject) throw new ApiError('session_not_found', { session: c.req.param('id') ?? '' });
    return subject;
  };
  const query = <Name extends keyof typeof QUERIES>(c: RequestContext, name: Name) =>
    parseFields(c, QUERIES[name], c.req.query()) as z.infer<(typeof QUERIES)[Name]>;
  const answer =
    (work: (c: RequestContext) => object | Promise<object>): Handler =>
    async (c) => {
      const body = await work(c);
      setHeader(c, 'Cache-Control', 'no-store');
      return respond(c, { body });
    };

  routes.get(
    '/',
    answer((c): Overview => {
      query(c, 'none');
      return {
        version: VERSION,
        token,
        read_only: readOnly,
        base_url: `${new URL(c.req.url).origin}/v1`,
        model: model.name,
        tokenizer: tokenizer.name,
        currency: billingOf(services).currency,
        now: clock.now(),
        sessions: lines.count(),
        history,
      };
    }),
  );

  routes.get('/live', (c) => {
    const abort = new AbortController();
    onClientGone(c, () => abort.abort());
    const signal = AbortSignal.any([abort.signal, services.closing]);
    return sendEvents(
      c,
      liveEvents(services, signal, () => lines.count()),
      abort,
    );
  });

  routes.get(
    '/sessions',
    answer(async (c) => {
      const { ids } = query(c, 'sessions');
      return { data: await lines.list(ids?.split(',')) };
    }),
  );
  routes.get(
    '/snapshots',
    answer(() => ({ data: lines.snapshots() })),
  );
  routes.get(
    '/sessions/:id',
    answer((c): Timeline => {
      const session = sessionOf(c);
      const { message, ...since } = query(c, 'timeline');
      const timeline = lines.timeline(session, since);
      if (message === undefined) return timeline;
      const wanted = { ...aroundMessage(session, message), shares: timeline.session.shares };
      return { ...timeline, page: pageOf(services, { ...session, at: 'now' }, wanted) };
    }),
  );
  routes.get(
    '/sessions/:id/window',
    answer((c) => {
      const { at: place, ...wanted } = query(c, 'window');
      return pageOf(services, windowAt(services, shownOf(c), place), wanted);
    }),
  );
  routes.get(
    '/sessions/:id/text',
    answer((c) => {
      const { at: place, ...wanted } = query(c, 'text');
      return textPart(services, windowAt(services, shownOf(c), place), wanted);
    }),
  );
  routes.get(
    '/sessions/:id/diff',
    answer((c) => {
      const { a, b } = query(c, 'diff');
      const session = shownOf(c);
      return unswept(() => difference(services, windowAt(services, session, a), windowAt(services, session, b)));
    }),
  );
  routes.get(
    '/sessions/:id/dropped',
    answer((c) => {
      const { at: place, q } = query(c, 'search');
      const session = shownOf(c);
      return unswept(() => searchDropped(services, session, windowAt(services, session, place), q));
    }),
  );
  routes.get(
    '/sessions/:id/summary',
    answer((c) => {
      const { at: place, q, section } = query(c, 'summary');
      const session = shownOf(c);
      const shown = windowAt(services, session, place);
      return unswept(() => summaryOf(services, session, shown, { query: q, section }));
    }),
  );

  routes.get(
    '/requests',
    answer((c) => listRequests(services, query(c, 'requests').since)),
  );
  routes.get(
    '/requests/:n',
    answer((c) => {
      const found = requestText(services, Number(c.req.param('n')));
      if (!found) throw invalid(`request #${c.req.param('n')} is not remembered any more`);
      return found;
    }),
  );
  routes.get(
    '/spend',
    answer((c): TurnList => {
      const billing = billingOf(services);
      return { currency: billing.currency, first: billing.firstTurn, turns: billing.turns(query(c, 'spend')) };
    }),
  );
  routes.get(
    '/faults',
    answer(() => ({ data: services.faults.list() })),
  );
  routes.get(
    '/doctor',
    answer(async () => ({
      findings: diagnose(await exportJournal(services)),
      requests: journal.exchanges().length,
    })),
  );

  routes.post(
    '/actions/:name',
    answer(async (c) => {
      requireToken(c.req.header('kimi-emulator-inspector') ?? '', token);
      if (readOnly) throw new ApiError('permission_denied', { control: 'read only' });
      return act(c, { lines, send: sendAgain }, c.req.param('name') ?? '', await readValue(c));
    }),
  );
  return routes;

  /** Nothing that is being read in slices is collected meanwhile. */
  async function unswept<Result>(work: () => Promise<Result>): Promise<Result> {
    const release = store.collector.pause();
    try {
      return await work();
    } finally {
      release();
    }
  }
}

/** The page that a message is on, or the last one, and the page before: as much as a screen shows. */
function aroundMessage({ view }: SessionRow, message: number): { from: number; limit: number } {
  const page = Math.floor(Math.max(0, Math.min(message, view.messages - 1)) / PAGE_MESSAGES);
  return { from: Math.max(0, page - 1) * PAGE_MESSAGES, limit: 2 * PAGE_MESSAGES };
}

/** @throws ApiError `permission_denied` */
function requireToken(given: string, token: string): void {
  const [one, other] = [Buffer.from(given), Buffer.from(token)];
  if (one.length === other.length && timingSafeEqual(one, other)) return;
  throw new ApiError('permission_denied', { control: 'token' });
}
