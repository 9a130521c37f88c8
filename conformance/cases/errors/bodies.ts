import { defineCase } from '../../core/case.ts';
import { holds, refused, succeeded } from '../../core/expect.ts';
import type { Trial } from '../../core/trial.ts';
import type { Send } from '../../wire/api.ts';
import { user } from '../../wire/dialect.ts';
import type { Reply } from '../../wire/reply.ts';
import { tooLarge } from '../../wire/too-large.ts';

/** Bodies are judged where nothing is charged for them. */
const ROUTE = '/tokenizers/estimate-token-count';
/** How the refusal of a large body begins. */
const SIZE_TEXT = 'total message size';

function raw(trial: Trial<string>, body: string, headers: Record<string, string> = {}): Promise<Reply> {
  const sent: Send = { raw: body, headers };
  return trial.api.post(ROUTE, undefined, sent);
}

function invalid(reply: Reply): string {
  return refused(reply, 'invalid_request', { bare: true });
}

export const errorsBodies = defineCase({
  id: 'errors.bodies',
  title: 'what is no JSON is refused',
  needs: ['tokens.estimate'],
  checks: {
    'broken-refused': 'errors.no-json',
    'bytes-refused': 'errors.no-json',
    'other-type-refused': 'errors.content-type',
    'whole-accepted': 'tokens.estimate',
  },
  cost: () => ({ requests: 5 }),
  async run(trial) {
    const whole = JSON.stringify({ model: trial.target.model, messages: [user('hi')] });
    await trial.check('broken-refused', async () => {
      for (const body of [whole.slice(0, -1), `${whole}}`]) invalid(await raw(trial, body));
    });
    await trial.check('bytes-refused', async () => {
      const bytes = Buffer.concat([Buffer.from(whole.slice(0, -5)), Buffer.from([0xff]), Buffer.from(whole.slice(-5))]);
      invalid(await trial.api.post(ROUTE, undefined, { raw: bytes }));
    });
    await trial.check('other-type-refused', async () => {
      invalid(await raw(trial, whole, { 'Content-Type': 'text/plain' }));
    });
    await trial.check('whole-accepted', async () => succeeded(await raw(trial, whole)));
  },
});

export const errorsSizes = defineCase({
  id: 'errors.sizes',
  title: 'a body of the largest size is read, a larger one refused',
  needs: ['tokens.estimate'],
  checks: {
    'largest-accepted': 'errors.body-size',
    'larger-refused': 'errors.body-size',
    'size-first': 'errors.size-first',
    'deeper-refused': 'errors.json-depth',
    'deepest-accepted': 'errors.json-depth',
    'more-values-refused': 'errors.json-values',
    'most-messages-accepted': 'errors.request-messages',
    'more-messages-refused': 'errors.request-messages',
  },
  cost: () => ({ requests: 9 }),
  async run(trial) {
    const { body_bytes, json_depth, json_values, request_messages } = trial.limits;
    const { model } = trial.target;
    const messages = [user('hi')];
    const estimate = async (body: object) => trial.api.post(ROUTE, { model, messages, ...body });
    /** A request of so many bytes; what fills it up is a field that nobody knows. */
    const sized = (bytes: number) => {
      const frame = JSON.stringify({ model, messages, filler: '' });
      return frame.replace('""', `"${'x'.repeat(bytes - frame.length)}"`);
    };
    await trial.check('larger-refused', async () => {
      tooLarge(await raw(trial, sized(body_bytes + 1)), body_bytes + 1, body_bytes);
    });
    await trial.check('size-first', async () => {
      tooLarge(await raw(trial, '['.repeat(body_bytes + 1)), body_bytes + 1, body_bytes);
      const small = invalid(await raw(trial, '['));
      holds(!small.startsWith(SIZE_TEXT), `a body of one byte is said to be too large: ${small}`);
    });
    await trial.check('largest-accepted', async () => succeeded(await raw(trial, sized(body_bytes))));
    /** The body is one level, the field's value the others. */
    const nested = (levels: number): unknown => JSON.parse('['.repeat(levels - 1) + ']'.repeat(levels - 1));
    await trial.check('deeper-refused', async () => invalid(await estimate({ filler: nested(json_depth + 1) })));
    await trial.check('deepest-accepted', async () => succeeded(await estimate({ filler: nested(json_depth) })));
    await trial.check('more-values-refused', async () =>
      invalid(await estimate({ filler: Array(json_values).fill(0) })),
    );
    const many = (count: number) => estimate({ messages: Array.from({ length: count }, () => user('a')) });
    await trial.check('more-messages-refused', async () => {
      const message = invalid(await many(request_messages + 1));
      holds(message.includes('messages'), `the field is not named: ${message}`);
    });
    await trial.check('most-messages-accepted', async () => succeeded(await many(request_messages)));
  },
});
