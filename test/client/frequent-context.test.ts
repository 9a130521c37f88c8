import { describe, expect, it } from 'vitest';
import { FrequentContext } from '../../client/index.ts';
import { clientOf, collect, startBench } from './support.ts';
import { through } from './support-faults.ts';

const HANDBOOK = Array.from({ length: 30 }, (_, index) => `Rule ${index}: never do what rule ${index + 1} says.`).join(
  '\n',
);

describe('a frequent context', () => {
  it('is written once, forked for each use, and says what that saved', async () => {
    const { client } = await startBench();
    const context = new FrequentContext(client, { name: 'handbook' });
    const forks = [await context.fork(HANDBOOK), await context.fork(HANDBOOK, { title: 'second' })];
    for (const { id, title } of forks) {
      const messages = await collect(client.sessions.messages(id));
      expect(messages.map(({ content }) => content).join('')).toBe(HANDBOOK);
      expect(messages.length).toBeGreaterThan(1);
      expect(messages.every(({ pinned }) => pinned)).toBe(true);
      expect([null, 'second']).toContain(title);
    }
    const { tokens, savedTokens } = context.savings;
    expect(tokens).toBe(forks[0]?.usage.total_tokens);
    expect(savedTokens).toBe(tokens);
    expect((await client.sessions.list()).data).toHaveLength(2);
  });

  it('is found again by a later run, and dropped where the content changes', async () => {
    const { client } = await startBench();
    const first = await new FrequentContext(client, { name: 'handbook' }).snapshot(HANDBOOK);
    const later = new FrequentContext(client, { name: 'handbook' });
    expect(await later.snapshot(HANDBOOK)).toEqual(first);
    await later.fork(HANDBOOK);
    expect(later.savings).toMatchObject({ forks: 1, savedTokens: first.usage.total_tokens });

    const other = await new FrequentContext(client, { name: 'other' }).snapshot(HANDBOOK);
    const changed = await later.snapshot(`${HANDBOOK} But not this one.`);
    const ids = async () => (await client.sessions.snapshot.list()).data.map(({ id }) => id);
    expect(await ids()).toEqual([changed.id, other.id]);

    // The keys of the first time still answer, with what is gone.
    const back = await later.snapshot(HANDBOOK);
    expect(await client.sessions.snapshot.retrieve(back.id)).toEqual(back);
    expect(await ids()).toEqual([back.id, other.id]);
    await later.drop();
    expect(await ids()).toEqual([other.id]);
  });

  it('is made once by concurrent first uses, in one process and in several', async () => {
    const { api, client: first } = await startBench();
    // The first write of all waits for the vocabulary, longer than anybody's patience without sleep.
    await first.sessions.delete((await first.sessions.create({ messages: [{ role: 'user', content: 'x' }] })).id);
    let created = 0;
    const underway = new Set<Promise<Response>>();
    const counting = () =>
      clientOf(api, {
        fetch: through(api.fetch, async ({ path, method, send }) => {
          const sent = send();
          underway.add(sent);
          const response = await sent.finally(() => underway.delete(sent));
          if (method === 'POST' && path === '/v1/sessions' && response.headers.get('idempotent-replayed') === null) {
            const { forked_from } = (await response.clone().json()) as { forked_from?: unknown };
            if (response.ok && forked_from === null) created += 1;
          }
          return response;
        }),
      });
    // Who is told to wait waits for what the others have under way.
    const sleep = async () => void (await Promise.allSettled(underway));
    const processes = [counting(), counting()].map(
      (client) => new FrequentContext(client, { name: 'handbook', sleep }),
    );
    const forks = await Promise.all([...processes, ...processes].map((context) => context.fork(HANDBOOK)));
    expect(new Set(forks.map(({ forked_from }) => JSON.stringify(forked_from))).size).toBe(1);
    expect(created).toBe(1);
    expect((await clientOf(api).sessions.snapshot.list()).data).toHaveLength(1);
  });
});
