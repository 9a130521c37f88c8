import OpenAI from 'openai';
import { expect, it } from 'vitest';
import { KimiClient } from '../../client/index.ts';
import { diagnose } from '../../emulator/doctor/diagnose.ts';
import type { EmulatorOptions } from '../../emulator/index.ts';
import type { JournalFile } from '../../emulator/journal/journal-file.ts';
import { type Api, startEmulator } from '../support/emulator.ts';
import { O200K, sized } from '../support/session.ts';

/** One that is live. */
const MODEL = 'kimi-k3';

const OPTIONS: EmulatorOptions = {
  tokenizer: O200K,
  limits: { window_tokens: 2_000, append_tokens: 500, min_preserve_tokens: 64, max_tokens: 16 },
};
const RATE_LIMIT = { effect: 'error', code: 'rpm_limit', operation: 'createChatCompletion' } as const;

/** What would hurt in the run of an agent, by rule. */
async function complaints(agent: (api: Api) => Promise<void>) {
  const api = await startEmulator('in process', OPTIONS);
  await agent(api);
  const { body } = await api.get<JournalFile>('/_emulator/journal');
  const bad = diagnose(body).filter(({ level }) => level !== 'ok');
  for (const { says, fix, evidence } of bad) {
    // A sentence, not a word: it is what a user is to do.
    expect(fix, says).toMatch(/^\S+(?: \S+){3,}$/);
    expect(evidence.every((n) => body.entries.some((entry) => entry.n === n)) && evidence.length > 0, says).toBe(true);
  }
  return Object.fromEntries(bad.map(({ rule, level }) => [rule, level]));
}

function ask(content: string, session: string): OpenAI.ChatCompletionCreateParamsNonStreaming {
  return { model: MODEL, messages: [{ role: 'user', content }], ...{ session_id: session } };
}

it('doctor reports nothing for an agent that follows every fix', async () => {
  const found = await complaints(async ({ emulator }) => {
    emulator.faults.add(RATE_LIMIT);
    const client = new KimiClient({ baseURL: emulator.baseURL, apiKey: 'any', fetch: emulator.fetch });
    const { id } = await client.sessions.create({});
    try {
      for (let turn = 1; turn <= 6; turn += 1) {
        await client.sessions.append(id, sized(400));
        await client.chat.completions.create({ ...ask(`Turn ${turn}`, id), max_tokens: 100 });
        const { usage } = await client.sessions.retrieve(id);
        if (usage.total_tokens < 900) continue;
        await client.post(`/sessions/${id}/snapshots`, { body: { preserve_len: 200 } });
        await client.sessions.truncate(id, { preserve_len: 200 });
      }
    } finally {
      await client.sessions.delete(id);
    }
  });
  expect(found).toEqual({});
});

it('doctor reports each bad habit of an agent that has them all', async () => {
  const found = await complaints(async ({ emulator }) => {
    const client = new OpenAI({ baseURL: emulator.baseURL, apiKey: 'any', fetch: emulator.fetch, maxRetries: 0 });
    const { id } = await client.post<{ id: string }>('/sessions', { body: {} });
    for (let time = 0; time < 4; time += 1) await client.post(`/sessions/${id}/messages`, { body: sized(470) });
    await client.post(`/sessions/${id}/snapshots`, { body: {} });
    await client.chat.completions.create(ask('What is the code?', id));
    for (let time = 0; time < 2; time += 1)
      await client.chat.completions.create({ ...ask('No', id), n: 0 }).catch(() => undefined);
    emulator.faults.add(RATE_LIMIT);
    for (const job of ['one', 'two'])
      await client.chat.completions.create({ ...ask(job, id), max_tokens: 1 }).catch(() => undefined);
  });
  expect(found).toMatchObject({
    'append-size': 'warning',
    'window-cut': 'error',
    'snapshot-length': 'warning',
    'idempotency-keys': 'warning',
    'retried-400': 'error',
    'max-tokens': 'warning',
    'rate-limits': 'error',
    'leaked-sessions': 'warning',
  });
});
