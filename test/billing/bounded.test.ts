import { describe, expect, it } from 'vitest';
import type { Spend } from '../../emulator/billing/spend.ts';
import { type Api, MODEL, startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { saying } from '../support/held-model.ts';

const ACCOUNTS = 120;
const SHOWN = 100;

/** One turn each of so many accounts, the first in a session. */
async function spend(api: Api): Promise<void> {
  for (let account = 0; account < ACCOUNTS; account += 1) {
    const key = `sk-${account}`;
    const { id } = (await api.post<{ id: string }>('/v1/sessions', {}, { key })).body;
    const request = { model: MODEL, session_id: id, messages: [{ role: 'user', content: 'a' }] };
    expect((await api.post('/v1/chat/completions', request, { key })).status).toBe(200);
  }
}

describe.each(TRANSPORTS)('what many accounts have spent, %s', (transport) => {
  it('shows those billed last, counts the others, and has an exact total', async () => {
    const api = await startEmulator(transport, { model: saying('yes') });
    await spend(api);
    const { body } = await api.get<Spend & { lines: string[] }>('/_emulator/spend');
    const left = ACCOUNTS - SHOWN;
    expect(body.total.turns).toBe(ACCOUNTS);
    expect([body.accounts.length, body.sessions.length]).toEqual([SHOWN, SHOWN]);
    expect(body.left_out).toEqual({ accounts: left, sessions: left });
    expect(body.lines.at(-3)).toBe(
      `${left} sessions that were billed longer ago are left out: limit=${ACCOUNTS} shows all`,
    );
    const { body: few } = await api.get<Spend>('/_emulator/spend?limit=2');
    expect(few.total).toEqual(body.total);
    expect(few.sessions).toEqual(body.sessions.slice(-2));
    expect(few.accounts).toEqual(body.accounts.slice(-2));
    const all = await api.emulator.spend(undefined, { limit: ACCOUNTS });
    expect([all.accounts.length, all.sessions.length, all.left_out]).toEqual([
      ACCOUNTS,
      ACCOUNTS,
      { accounts: 0, sessions: 0 },
    ]);
    expect(all.accounts.slice(-SHOWN)).toEqual(body.accounts);
    expect((await api.emulator.spend('sk-0')).accounts).toHaveLength(1);
  });

  it.each(['0', '1.5', 'all', '5000', ''])('is refused for a limit of "%s"', async (limit) => {
    const api = await startEmulator(transport);
    const refused = await api.get(`/_emulator/spend?limit=${limit}`);
    expect(refused.status).toBe(400);
    expect(refused.text).toContain('Invalid request: limit: ');
  });
});
