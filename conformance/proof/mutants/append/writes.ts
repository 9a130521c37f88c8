import type { Mutant } from '../../mutant.ts';
import { editJson, json, on } from '../../proxy.ts';
import { joined, messagesOf, overlapping, refusal, sessionAt, WRITE, writes } from '../../rewrites.ts';

export const WRITE_MUTANTS: readonly Mutant[] = [
  {
    id: 'append.first-only',
    area: 'append',
    broken: 'of several messages the first alone is written',
    killedBy: ['append.atomic/many-stored'],
    handler: () => writes((messages) => messages.slice(0, 1)),
  },
  {
    id: 'append.lists-only',
    area: 'append',
    broken: 'a single message is not understood',
    killedBy: ['append.atomic/one-stored'],
    handler: () =>
      on('POST', WRITE, ({ body }, forward) =>
        (body as object) && 'role' in (body as object)
          ? Promise.resolve(refusal('invalid_request', 'Invalid request: messages: missing'))
          : forward(),
      ),
  },
  {
    id: 'append.nothing-accepted',
    area: 'append',
    broken: 'a write of no messages succeeds',
    killedBy: ['append.atomic/none-refused'],
    handler: () =>
      on('POST', WRITE, async ({ ids: [id = ''], body }, forward) => {
        if (messagesOf(body)?.length !== 0) return forward();
        const { usage, version } = await sessionAt(forward, id);
        return json({ object: 'session.append', session_id: id, data: [], tokens: 0, usage, version });
      }),
  },
  {
    id: 'append.partly-stored',
    area: 'append',
    broken: 'what stands before the fault in a refused write is stored',
    killedBy: [
      'append.atomic/last-bad-stores-none',
      'append.atomic/middle-bad-stores-none',
      'append.limit-whole/sum-over-refused',
    ],
    handler: () =>
      on('POST', WRITE, async ({ body }, forward) => {
        const response = await forward();
        const messages = messagesOf(body) ?? [];
        if (response.status >= 400 && messages.length > 1) await forward({ body: messages[0] });
        return response;
      }),
  },
  {
    id: 'append.concurrent-loses-one',
    area: 'append',
    broken: 'of two writes at the same time the later overwrites the other',
    killedBy: [
      'append.concurrent/accepted-stand',
      'append.concurrent/usage-adds-up',
      'append.concurrent/versions-differ',
    ],
    handler: () => overlapping(async (_, __, first) => (await first).clone()),
  },
  {
    id: 'append.concurrent-breaks',
    area: 'append',
    broken: 'of two writes at the same time one breaks down',
    killedBy: ['append.concurrent/each-answered'],
    handler: () =>
      overlapping(() => Promise.resolve(json({ error: { message: 'database is locked', type: 'server_error' } }, 500))),
  },
  {
    id: 'append.busy-though-written',
    area: 'append',
    broken: 'a write is refused as busy although it was written',
    killedBy: ['append.concurrent/accepted-stand'],
    handler: () =>
      overlapping(async (_, forward) => {
        await forward();
        return refusal('session_busy');
      }),
  },
  {
    id: 'append.written-one-by-one',
    area: 'append',
    broken: 'the messages of a write are written one after the other, and others come between them',
    killedBy: ['append.concurrent/writes-stay-together'],
    handler: () =>
      on('POST', WRITE, async ({ body }, forward) => {
        const messages = messagesOf(body) ?? [];
        if (messages.length < 2) return forward();
        const responses: Response[] = [];
        for (const message of messages) responses.push(await forward({ body: message }));
        return joined(responses);
      }),
  },
  {
    id: 'append.no-own-version',
    area: 'append',
    broken: 'every write answers with the first version',
    killedBy: ['append.concurrent/versions-differ', 'append.message/answer-usage-as-read'],
    handler: () =>
      on('POST', WRITE, async (_, forward) =>
        editJson(await forward(), (answer: object) => ({ ...answer, version: 1 })),
      ),
  },
];
