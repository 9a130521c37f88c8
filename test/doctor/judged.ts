import { expect } from 'vitest';
import { diagnose } from '../../emulator/doctor/diagnose.ts';
import type { EmulatorOptions } from '../../emulator/index.ts';
import type { JournalFile } from '../../emulator/journal/journal-file.ts';
import { type Api, MODEL, startEmulator } from '../support/emulator.ts';
import { createSession, MovableClock, O200K, sized } from '../support/session.ts';

const LIMITS = { window_tokens: 2_000, append_tokens: 500, min_preserve_tokens: 64, sessions: 2, max_tokens: 16 };

/** What a rule says of a run in which `act` is all that happens. */
export async function judged(
  rule: string,
  act: (api: Api, clock: MovableClock) => Promise<unknown>,
  options: EmulatorOptions = {},
) {
  const clock = new MovableClock();
  const time = options.seed === undefined ? { clock } : {};
  const api = await startEmulator('in process', { tokenizer: O200K, limits: LIMITS, ...time, ...options });
  await act(api, clock);
  const { body } = await api.get<JournalFile>('/_emulator/journal');
  const found = diagnose(body).find((finding) => finding.rule === rule);
  return found ?? expect.fail(`no rule ${rule}`);
}

/** A session that holds so many tokens, written in equal parts. */
export async function fillTo(api: Api, total: number, write = 400) {
  const session = await createSession(api);
  for (let held = 0; held < total; held += write) await session.append(sized(write));
  return session;
}

export function chat(api: Api, more: object = {}, content = 'Hello') {
  return api.post('/v1/chat/completions', { model: MODEL, messages: [{ role: 'user', content }], ...more });
}

export const KEYED = { 'Idempotency-Key': 'one' };
