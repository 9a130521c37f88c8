import { describe, expect, it } from 'vitest';
import type { Tokenizer, TokenizerSource } from '../../emulator/engines/tokens/tokenizer.ts';
import { startEmulator } from '../support/emulator.ts';
import { createSession, O200K, overridden, sized, words } from '../support/session.ts';

const limits = { min_preserve_tokens: 16, append_tokens: 300_000 };

function gate() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

/** A tokenizer whose first cut waits until it is let go on. */
async function heldTokenizer() {
  const tokenizer = await O200K.load();
  const started = gate();
  const goOn = gate();
  let cuts = 0;
  const suffixWithin = async (text: string, maxTokens: number) => {
    cuts += 1;
    started.open();
    await goOn.opened;
    return tokenizer.suffixWithin(text, maxTokens);
  };
  const held: Tokenizer = overridden(tokenizer, { suffixWithin });
  const source: TokenizerSource = { name: held.name, exact: held.exact, load: () => Promise.resolve(held) };
  return { source, started: started.opened, goOn: goOn.open, cuts: () => cuts };
}

describe('while a text is cut', () => {
  it('the session can be read and changed, and what it then is gets cut', async () => {
    const tokenizer = await heldTokenizer();
    const api = await startEmulator('in process', { tokenizer: tokenizer.source, limits });
    const session = await createSession(api, { messages: [sized(30), sized(90)] });
    const truncating = session.truncate(20);
    await tokenizer.started;
    const before = await session.messages();
    expect(before.map(({ tokens }) => tokens)).toEqual([30, 90]);
    expect((await session.append({ role: 'user', content: `${words(60)} the end` })).status).toBe(200);
    tokenizer.goOn();
    const { status, body } = await truncating;
    expect(status).toBe(200);
    expect(body).toMatchObject({ version: 3, before: { messages: 3 }, after: { total_tokens: 20, messages: 1 } });
    const [kept] = await session.messages();
    expect(kept).toMatchObject({ content: `${words(14)} the end`, truncated: true });
    expect(tokenizer.cuts()).toBe(2);
  });

  it('a cut that is no longer needed is dropped', async () => {
    const tokenizer = await heldTokenizer();
    const api = await startEmulator('in process', { tokenizer: tokenizer.source, limits });
    const session = await createSession(api, { messages: [sized(90)] });
    const truncating = session.truncate(20);
    await tokenizer.started;
    await session.append(sized(20));
    tokenizer.goOn();
    expect((await truncating).body).toMatchObject({ version: 3, after: { total_tokens: 20, messages: 1 } });
    expect(await session.messages()).toMatchObject([{ tokens: 20, truncated: false }]);
  });

  it('a snapshot, a rollback and a fork give way too, and make one snapshot and one session', async () => {
    const tokenizer = await heldTokenizer();
    const api = await startEmulator('in process', { tokenizer: tokenizer.source, limits });
    const session = await createSession(api, { messages: [sized(90)] });
    const snapping = session.snapshot({ preserve_len: 20 });
    await tokenizer.started;
    expect((await session.show()).status).toBe(200);
    tokenizer.goOn();
    const { id: snapshot_id, usage } = (await snapping).body;
    expect(usage).toMatchObject({ total_tokens: 20 });
    const fork = await api.post('/v1/sessions', { snapshot_id, preserve_len: 17 });
    expect(fork.body).toMatchObject({ usage: { total_tokens: 17 } });
    expect((await session.rollback(snapshot_id, { preserve_len: 18 })).body).toMatchObject({
      usage: { total_tokens: 18 },
    });
    expect((await api.get<{ data: object[] }>('/v1/sessions')).body.data).toHaveLength(2);
    expect((await api.get<{ data: object[] }>('/v1/snapshots')).body.data).toHaveLength(1);
  });
});
