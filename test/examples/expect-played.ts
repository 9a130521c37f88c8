import { expect } from 'vitest';
import type { List } from '../../contract/lists.ts';
import type { Session, SessionMessage } from '../../contract/sessions.ts';
import type { Snapshot } from '../../contract/snapshots.ts';
import type { Api } from '../support/emulator.ts';
import type { Meter } from './metered-server.ts';
import type { Run } from './run.ts';

interface Played {
  meter: Meter;
  api: Api;
  trigger: number;
  crossings: number;
}

/** What a run printed and left behind, against what the server counted and stores. */
export async function expectPlayed({ stdout, stderr, status }: Run, played: Played): Promise<void> {
  const { meter, api, trigger, crossings } = played;
  expect(stderr).toBe('');
  expect(status).toBe(0);

  const made = (route: string) => meter.posts.filter((post) => post.endsWith(route)).length;
  expect([made('/snapshots'), made('/truncate'), made('/rollback')]).toEqual([crossings, crossings, 1]);
  expect(stdout).toContain(`rounds    ${made('/chat/completions')}, ${crossings} snapshots\n`);
  expect(numbersAfter(stdout, 'sent')).toEqual([await meter.receivedTokens()]);
  expect(numbersAfter(stdout, 'stateless')[0]).toBe(meter.promptTokens);
  expect(meter.promptTokens).toBeGreaterThan(2 * (await meter.receivedTokens()));

  const { body: snapshots } = await api.get<List<Snapshot>>('/v1/snapshots?order=asc');
  const cuts = stdout.split('\n').filter((line) => line.startsWith('cut'));
  for (const [index, { archived, usage, preserve_len }] of snapshots.data.entries()) {
    expect(archived.total_tokens).toBeGreaterThan(trigger);
    expect(preserve_len).toBe(8_000);
    expect(numbersAfter(cuts[index] ?? '', 'cut').slice(0, 2)).toEqual([archived.total_tokens, usage.total_tokens]);
  }

  const last = snapshots.data.at(-1);
  const { body: sessions } = await api.get<List<Session>>('/v1/sessions');
  const [session] = sessions.data;
  expect(sessions.data).toHaveLength(1);
  expect(stdout).toMatch(new RegExp(`^rollback +${last?.snapshot_id}: `, 'm'));
  expect(numbersAfter(stdout, `rollback  ${last?.snapshot_id}:`)[1]).toBe(last?.usage.total_tokens);
  expect(session?.usage.total_tokens).toBe(last?.usage.total_tokens);
  const ids = async (path: string) => {
    const { body } = await api.get<List<SessionMessage>>(`${path}/messages?limit=100`);
    return body.data.map(({ id }) => id);
  };
  expect(await ids(`/v1/sessions/${session?.id}`)).toEqual(await ids(`/v1/snapshots/${last?.id}`));
}

/** The numbers, written with thousands commas, on the line that begins with a word. */
function numbersAfter(text: string, word: string): number[] {
  const line = text.split('\n').find((candidate) => candidate.startsWith(word)) ?? '';
  return (line.slice(word.length).match(/\d[\d,]*/g) ?? []).map((number) => Number(number.replaceAll(',', '')));
}
