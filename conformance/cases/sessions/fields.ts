import { Session } from '../../../contract/sessions.ts';
import { defineCase } from '../../core/case.ts';
import { answered, equal, holds, refused, succeeded } from '../../core/expect.ts';
import { TOOL } from '../../wire/changes.ts';
import { createSession, getSession, stateOf, unchanged } from '../../wire/dialect.ts';
import type { Reply } from '../../wire/reply.ts';

function pairs(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`key ${index}`, 'value']));
}

export const sessionsMetadata = defineCase({
  id: 'sessions.metadata',
  title: 'the limits of metadata and titles, at creation and later',
  needs: ['sessions'],
  checks: {
    'pairs-exact': 'sessions.metadata-limits',
    'pairs-over': 'sessions.metadata-limits',
    'key-exact': 'sessions.metadata-limits',
    'key-over': 'sessions.metadata-limits',
    'value-exact': 'sessions.metadata-limits',
    'value-over': 'sessions.metadata-limits',
    'title-exact': 'sessions.title-length',
    'title-over': 'sessions.title-length',
  },
  async run(trial) {
    const { api, limits } = trial;
    const session = await createSession(api);
    const accepted = async (body: object, expected: Partial<Session>) => {
      for (const path of ['/sessions', `/sessions/${session.id}`]) {
        const { id } = answered(await api.post(path, body), Session);
        const read = await getSession(api, id);
        for (const [name, value] of Object.entries(expected)) equal(read[name as keyof Session], value, name);
      }
    };
    const over = async (body: object, field: string, limit: number) => {
      const before = await stateOf(api, session.id);
      for (const path of ['/sessions', `/sessions/${session.id}`]) {
        const message = refused(await api.post(path, body), 'invalid_request');
        const named = message.includes(field) && message.includes(String(limit));
        holds(named, `the refusal names ${field} and the limit ${limit}: ${message}`);
      }
      await unchanged(api, before);
    };
    const metadata = {
      pairs: (count: number) => ({ metadata: pairs(count) }),
      key: (length: number) => ({ metadata: { ['k'.repeat(length)]: 'value' } }),
      value: (length: number) => ({ metadata: { key: 'v'.repeat(length) } }),
    };
    const most = { pairs: limits.metadata_pairs, key: limits.metadata_key_chars, value: limits.metadata_value_chars };
    for (const part of ['pairs', 'key', 'value'] as const) {
      const exact = metadata[part](most[part]);
      await trial.check(`${part}-exact`, () => accepted(exact, exact));
      await trial.check(`${part}-over`, () => over(metadata[part](most[part] + 1), 'metadata', most[part]));
    }
    const title = 't'.repeat(limits.title_chars);
    await trial.check('title-exact', () => accepted({ title }, { title }));
    await trial.check('title-over', () => over({ title: `${title}t` }, 'title', limits.title_chars));
  },
});

/** A body with one fault, and the field that is to blame. */
const BAD: readonly (readonly [body: object, field: string])[] = [
  [{ title: 5 }, 'title'],
  [{ metadata: ['a'] }, 'metadata'],
  [{ metadata: { a: 1 } }, 'metadata'],
  [{ tools: {} }, 'tools'],
  [{ tools: [{ ...TOOL, function: { name: '1 bad name' } }] }, 'tools'],
];

export const sessionsBadFields = defineCase({
  id: 'sessions.bad-fields',
  title: 'fields of the wrong type, and fields that nobody knows',
  needs: ['sessions'],
  checks: {
    'create-refused': 'sessions.bad-fields',
    'update-refused': 'sessions.bad-fields',
    'unknown-at-creation': 'sessions.unknown-fields',
    'unknown-later': 'sessions.unknown-fields',
  },
  async run(trial) {
    const { api } = trial;
    const { id } = await createSession(api, { title: 'Before' });
    const before = await stateOf(api, id);
    const blamed = (reply: Reply, field: string) => {
      refused(reply, 'invalid_request');
      const { param } = (reply.json as { error: { param?: unknown } }).error;
      const named = typeof param === 'string' && param.startsWith(field);
      holds(named, `${reply.what}: the refusal blames ${field}, not ${JSON.stringify(param)}: ${reply.text}`);
    };
    await trial.check('create-refused', async () => {
      for (const [body, field] of [...BAD, [{ model: 5 }, 'model'], [{ messages: 'x' }, 'messages']] as const) {
        blamed(await api.post('/sessions', body), field);
      }
      succeeded(await api.post('/sessions', { tools: [TOOL] }));
    });
    await trial.check('update-refused', async () => {
      for (const [body, field] of BAD) blamed(await api.post(`/sessions/${id}`, body), field);
      await unchanged(api, before);
    });
    const unknown = { colour: 'blue', nested: { a: [1] } };
    await trial.check('unknown-at-creation', async () => {
      equal(answered(await api.post('/sessions', { title: 'Given', ...unknown }), Session).title, 'Given', 'the title');
    });
    await trial.check('unknown-later', async () => {
      const { title } = answered(await api.post(`/sessions/${id}`, { title: 'After', ...unknown }), Session);
      equal(title, 'After', 'the title');
    });
  },
});
