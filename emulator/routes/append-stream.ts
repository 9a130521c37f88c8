import type { ErrorBody } from '../../contract/errors.ts';
import type { AppendAcknowledgement, AppendEnd, sessionRequests } from '../../contract/sessions.ts';
import { billingOf } from '../billing/billing.ts';
import { invalid } from '../errors.ts';
import { bodyParts } from '../middleware/body-parts.ts';
import type { RequestContext } from '../middleware/context.ts';
import { claimKey } from '../middleware/idempotency.ts';
import { noteLine } from '../middleware/journal.ts';
import { parseJson } from '../middleware/json.ts';
import { checkFields, packed, parseFields } from '../middleware/request-body.ts';
import { sendStream, setHeader } from '../middleware/send.ts';
import { append } from '../sessions/append.ts';
import { wroteOf } from '../sessions/facts.ts';
import { toUsage } from '../sessions/objects.ts';
import { countWrite, requireContent } from '../sessions/write.ts';
import { expectedVersion, keep, requireIdleSession, requireVersion } from './change.ts';
import { lines } from './lines.ts';
import { renderError } from './render-error.ts';
import { holdState } from './same-state.ts';

type LineSchema = ReturnType<typeof sessionRequests>['appendOne'];

const NDJSON_TYPE = /^application\/(?:x-ndjson|ndjson|jsonl)\s*(?:;|$)/i;

export function isStream(c: RequestContext): boolean {
  return NDJSON_TYPE.test(c.req.header('content-type') ?? '');
}

/**
 * A streamed append: each line is one message, written as it arrives and acknowledged by a line of its own. A bad first
 * line is an ordinary refusal; a later one ends the stream, and what was acknowledged stays.
 */
export async function appendStream(c: RequestContext, schema: LineSchema): Promise<Response> {
  const { services } = c.var;
  const id = c.req.param('id') ?? '';
  const expected = expectedVersion(c);
  const upload = new AbortController();
  const source = lines(bodyParts(c, upload.signal), services.limits.body_bytes);
  const requireSameState = holdState(c);
  const writeNext = async (index: number): Promise<AppendAcknowledgement | AppendEnd> => {
    const line = await source.next();
    // Checked once, and not where the stream is resent: its own lines have moved the version on.
    const asked = index === 0 ? expected : undefined;
    if (!line.done) return writeLine(c, schema, { id, expected: asked, index, line: line.value, requireSameState });
    requireSameState();
    const session = requireVersion(c, id, asked);
    return { done: true, lines: index, usage: toUsage(services, session), version: session.version };
  };
  const first = await writeNext(0).catch((error) => {
    upload.abort(error);
    throw packed(c) ?? error;
  });
  const acknowledgements = acknowledge(first, writeNext, (error) => {
    // Nobody reads any more, so that it is the end of the upload and not a bad line.
    if (upload.signal.aborted) return undefined;
    upload.abort(error);
    return renderError(c, error);
  });
  setHeader(c, 'Content-Type', 'application/x-ndjson; charset=utf-8');
  return sendStream(c, () => acknowledgements.next(), {
    encode: toLine,
    encodeError: (error) => toLine(renderError(c, error)),
    ending: '',
    // By the signal: `return()` of a generator waits for the line that it waits for.
    onGone: (reason) => upload.abort(reason),
  });
}

interface Line {
  id: string;
  expected: number | undefined;
  index: number;
  line: Uint8Array;
  requireSameState(): void;
}

async function writeLine(
  c: RequestContext,
  schema: LineSchema,
  { id, expected, index, line, requireSameState }: Line,
): Promise<AppendAcknowledgement> {
  const { services } = c.var;
  const value = parseJson(line, services.limits);
  const message = index === 0 ? parseFields(c, schema, value) : checkFields(schema, value);
  requireContent([message], true);
  const claim = claimKey(c, line, String(index));
  if ('replay' in claim) return JSON.parse(claim.replay.body) as AppendAcknowledgement;
  try {
    const write = await countWrite(services.tokenizer, [message]);
    const { body, wrote } = services.store.transaction(() => {
      requireSameState();
      const { session, written } = append(services, requireIdleSession(c, id, expected), write);
      const stored = written[0]?.message;
      if (!stored) throw invalid('the line holds no message');
      const { version } = session;
      const body = { index, id: stored.id, tokens: write.tokens, usage: toUsage(services, session), version };
      keep(claim, { body });
      c.get('faults')?.requireMemory(write.tokens);
      c.get('faults')?.requireDisk();
      return { body, wrote: wroteOf(write, body.usage.total_tokens, session) };
    });
    noteLine(c, wrote);
    billingOf(services).wrote(id, write.items);
    return body;
  } finally {
    claim.release();
  }
}

async function* acknowledge(
  first: AppendAcknowledgement | AppendEnd,
  writeNext: (index: number) => Promise<AppendAcknowledgement | AppendEnd>,
  render: (error: unknown) => ErrorBody | undefined,
): AsyncGenerator<object[], void> {
  let line = first;
  for (let index = 1; ; index += 1) {
    yield [line];
    if ('done' in line) return;
    try {
      line = await writeNext(index);
    } catch (error) {
      const body = render(error);
      if (body) yield [{ ...body, index }];
      return;
    }
  }
}

function toLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
