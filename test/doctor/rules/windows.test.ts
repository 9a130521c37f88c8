import { describe, expect, it } from 'vitest';
import type { Api } from '../../support/emulator.ts';
import { createSession, sized, tool, words } from '../../support/session.ts';
import { chat, fillTo, judged } from '../judged.ts';

describe('append-size', () => {
  it.each([
    ['ok', 400, []],
    ['warning', 460, [2]],
    ['error', 501, [2]],
  ] as const)('%s: a write of %d', async (level, size, evidence) => {
    const found = await judged('append-size', async (api) => (await createSession(api)).append(sized(size)));
    expect(found).toMatchObject({ level, target: 'sessions', evidence });
  });
});

it('append-size: what was near is told beside what was refused, and what a session began with', async () => {
  const found = await judged('append-size', async (api) => {
    const session = await createSession(api, { messages: [sized(480)], tools: [tool('look')] });
    await session.append(sized(460));
    await session.append(sized(501));
    const { body } = await session.snapshot({ preserve_len: 1_000 });
    await createSession(api, { snapshot_id: body.id });
  });
  expect(found).toMatchObject({ level: 'error', evidence: [1, 2, 3] });
  expect(found.says).toContain('1 write refused: over 500 tokens; 2 writes of up to 480 tokens, near');
});

describe('window-cut', () => {
  it.each([
    ['ok', 800, []],
    ['warning', 1_200, [4]],
    ['error', 2_000, [6]],
  ] as const)('%s: %d tokens', async (level, total, evidence) => {
    expect(await judged('window-cut', (api) => fillTo(api, total))).toMatchObject({ level, evidence });
  });

  it('ok where it was cut', async () => {
    const found = await judged('window-cut', async (api) => (await fillTo(api, 1_600)).truncate(500));
    expect(found.level).toBe('ok');
  });

  it('error where one was cut that has only the id of the full one', async () => {
    const found = await judged(
      'window-cut',
      async (api) => {
        const { id } = await fillTo(api, 2_000);
        api.emulator.state.reset();
        const next = await fillTo(api, 800);
        expect(next.id).toBe(id);
        await next.truncate(500);
      },
      { seed: 1 },
    );
    expect(found).toMatchObject({ level: 'error', evidence: [6] });
  });

  it('error where one was cut, and then filled again', async () => {
    const found = await judged('window-cut', async (api) => {
      const session = await fillTo(api, 1_600);
      await session.truncate(500);
      for (let count = 0; count < 4; count += 1) await session.append(sized(400));
    });
    expect(found).toMatchObject({ level: 'error', evidence: [10] });
  });

  it('error where writes were refused, with the session that was never cut', async () => {
    const found = await judged('window-cut', (api) => fillTo(api, 2_400));
    expect(found).toMatchObject({ level: 'error', evidence: [6, 7] });
    expect(found.says).toBe('1 request refused: the window was full; 1 session nearly full and never cut since');
  });

  it('warning where a stateless prompt nearly fills it', async () => {
    const found = await judged('window-cut', (api) => chat(api, { max_tokens: 5 }, words(1_850)));
    expect(found).toMatchObject({ level: 'warning', evidence: [1] });
    expect(found.says).toContain('1 prompt without a session');
  });

  it.each([
    ['warning', 'kimi-k2-0905'],
    ['ok', 'kimi-k3'],
  ] as const)('%s: 250,000 tokens of the window of %s', async (level, model) => {
    const reading = (api: Api) => chat(api, { model, max_tokens: 5 }, words(250_000));
    expect((await judged('window-cut', reading, { limits: {} })).level).toBe(level);
  });

  it('error where a stateless prompt does not fit', async () => {
    const found = await judged('window-cut', (api) => chat(api, {}, words(2_100)));
    expect(found).toMatchObject({ level: 'error', evidence: [1], target: 'everywhere' });
  });
});

describe('read-again', () => {
  const turns = async (api: Api, cut: boolean) => {
    const session = await fillTo(api, 1_200);
    for (let turn = 0; turn < 3; turn += 1) {
      if (cut && turn === 1) await session.truncate(400);
      await session.chat([sized(10)]);
    }
  };
  it('warning: three turns over half a window', async () => {
    const found = await judged('read-again', (api) => turns(api, false));
    expect(found).toMatchObject({ level: 'warning', evidence: [5, 6, 7] });
    expect(found.says).toMatch(/3 turns .* 3,\d{3} tokens of input/);
  });
  it('ok: with a reset between', async () => {
    const long = words(1_100);
    const found = await judged('read-again', async (api) => {
      for (const reset of [false, true, true]) {
        if (reset) api.emulator.state.reset();
        await chat(api, {}, long);
      }
    });
    expect(found.level).toBe('ok');
  });
  it('ok: with a cut between', async () => {
    expect((await judged('read-again', (api) => turns(api, true))).level).toBe('ok');
  });
});

describe('snapshot-length', () => {
  it.each([
    ['ok', { preserve_len: 100 }],
    ['warning', {}],
  ] as const)('%s: %j', async (level, body) => {
    const found = await judged('snapshot-length', async (api) => (await createSession(api)).snapshot(body));
    expect(found.level).toBe(level);
  });
});
