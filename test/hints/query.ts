import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../contract/snapshots.ts';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { startSession } from '../support/session.ts';
import { hintOf } from './hinted.ts';

/** What a list was asked for, and what is said of it. */
const QUERIES: [string, RegExp][] = [
  ['limit=0', /^the query says limit=0: ask for limit=1 to 100 items .*, and continue with after=LAST_ID/],
  ['limit=1e3', /^the query says limit=1e3: .*limit=1 to 100 .*page_size_max/],
  ['limit=', /^the query has limit without a value: .*limit=1 to 100/],
  ['order=up', /^the query says order=up: order=asc .* order=desc .* leave it out/],
  ['after=', /^the query has after without a value: .* leave it out for the first page/],
  [`order=${'x'.repeat(900)}`, /^the query says order=x+\.\.\.: order=asc/],
];

describe.each(TRANSPORTS)('a query %s', (transport) => {
  it.each(QUERIES)(
    'with an unknown field is answered with the fields of the query, not those of a body: %#',
    async (query, says) => {
      const api = await startEmulator(transport);
      const refused = await api.get(`/v1/sessions?${query}`);
      expect(refused.status).toBe(400);
      expect(hintOf(refused)).toMatch(says);
      expect(hintOf(refused)).not.toContain('body');
    },
  );

  it('for what no snapshot shows is told which scopes there are', async () => {
    const session = await startSession(transport);
    const { id } = (await session.snapshot()).body as Snapshot;
    const refused = await session.api.get(`/v1/snapshots/${id}/messages?scope=all`);
    expect(hintOf(refused)).toMatch(/^the query says scope=all: scope=restored .* scope=archived/);
  });

  it('of the journal is told by its page', async () => {
    const api = await startEmulator(transport, { journal: { entries: 0 } });
    expect(hintOf(await api.get('/_emulator/journal?limit=0'))).toMatch(/^the query says limit=0: .*docs\/journal\.md/);
  });
});
