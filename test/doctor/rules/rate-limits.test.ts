import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../contract/errors.ts';
import { diagnose } from '../../../emulator/doctor/diagnose.ts';
import type { JournalFile } from '../../../emulator/journal/journal-file.ts';
import { type Api, startEmulator } from '../../support/emulator.ts';
import { createSession, type MovableClock, sized } from '../../support/session.ts';
import { chat, judged } from '../judged.ts';

type Act = (api: Api, clock: MovableClock) => Promise<unknown>;

/** Chats, one after the other, the first of them refused: what each asks, and after how many seconds. */
function asking(code: ErrorCode, times: number, ...chats: [content: string, after: number][]): Act {
  return async (api, clock) => {
    api.emulator.faults.add({ effect: 'error', code, times });
    for (const [content, after] of chats) {
      clock.passSeconds(after);
      await chat(api, {}, content);
    }
  };
}

describe('rate-limits', () => {
  it('warning: none was met, and how to meet one', async () => {
    const found = await judged('rate-limits', (api) => chat(api));
    expect(found).toMatchObject({ level: 'warning', evidence: [] });
    const body = /POST \/_emulator\/faults (\{.*?\})/.exec(found.fix ?? '')?.[1] ?? expect.fail(found.fix);
    const again = await judged('rate-limits', async (api, clock) => {
      expect((await api.post('/_emulator/faults', JSON.parse(body))).status).toBe(201);
      await chat(api);
      clock.passSeconds(1);
      await chat(api);
    });
    expect(again).toMatchObject({ level: 'ok', says: '1 request refused with 429, all sent again' });
    const limited = await judged('rate-limits', manyChats(4), { rateTier: 0 });
    expect(found.fix).toContain('--rate-tier 0');
    expect(limited).toMatchObject({ level: 'error', evidence: [4] });
  });
  it('error: refused, and only other requests after it', async () => {
    const chats = Array.from({ length: 8 }, (_, job): [string, number] => [`job ${job}`, 0.005]);
    const found = await judged('rate-limits', asking('rpm_limit', 5, ...chats));
    expect(found).toMatchObject({ level: 'error', evidence: [1, 2, 3, 4, 5] });
    expect(found.says).toBe('5 requests refused with 429 and never sent again: the work was lost');
  });
  it('error: the last of its retries', async () => {
    const found = await judged('rate-limits', asking('tpm_limit', 3, ['one', 0], ['one', 1], ['one', 1], ['two', 1]));
    expect(found).toMatchObject({ level: 'error', evidence: [3] });
    expect(found.says).toContain('1 of them after retries');
  });
  it('error: of two that say the same, one came again', async () => {
    const found = await judged('rate-limits', asking('rpm_limit', 2, ['same', 0], ['same', 0.5], ['same', 1]));
    const retried = await judged('retry-after', asking('rpm_limit', 2, ['same', 0], ['same', 0.5], ['same', 1]));
    expect([found.level, retried.level].toSorted()).toEqual(['error', 'ok']);
  });
  it('ok: two that say the same, both again', async () => {
    const both = asking('rpm_limit', 2, ['same', 0], ['same', 0], ['same', 1], ['same', 0]);
    expect((await judged('rate-limits', both)).level).toBe('ok');
    expect((await judged('retry-after', both)).level).toBe('ok');
  });
  it('error: only a reset and the same of another test came after', async () => {
    const found = await judged('rate-limits', async (api, clock) => {
      await asking('rpm_limit', 1, ['same', 0])(api, clock);
      api.emulator.state.reset();
      clock.passSeconds(60);
      await chat(api, {}, 'same');
    });
    expect(found).toMatchObject({ level: 'error', evidence: [1] });
  });
  it('ok: another request of the dialect, whose body was not read', async () => {
    const again = (content: number[]) => async (api: Api, clock: MovableClock) => {
      const session = await createSession(api);
      api.emulator.faults.add({ effect: 'error', code: 'rpm_limit' });
      for (const size of content) {
        await session.append(sized(size));
        clock.passSeconds(1);
      }
    };
    expect((await judged('rate-limits', again([10, 10]))).level).toBe('ok');
    expect(await judged('rate-limits', again([10]))).toMatchObject({ level: 'error', evidence: [2] });
  });
  it.each([
    ['error', 'two'],
    ['ok', 'one'],
  ])('%s: then a write with the key "%s"', async (level, key) => {
    const found = await judged('rate-limits', async (api) => {
      const session = await createSession(api);
      api.emulator.faults.add({ effect: 'error', code: 'rpm_limit' });
      for (const each of ['one', key]) await session.append(sized(10), { 'Idempotency-Key': each });
    });
    expect(found.level).toBe(level);
  });
  it.each(['quota_exceeded', 'tpd_limit'] as const)('warning: only %s, which waiting does not mend', async (code) => {
    const found = await judged('rate-limits', asking(code, 1, ['one', 0], ['two', 1]));
    expect(found).toMatchObject({ level: 'warning', evidence: [1] });
    expect(found.says).toContain(`the only 429 was ${code}`);
  });
});

describe('retry-after', () => {
  it('ok: none was met, or each given up', async () => {
    expect((await judged('retry-after', (api) => chat(api))).level).toBe('ok');
    expect(await judged('retry-after', asking('rpm_limit', 1, ['one', 0]))).toMatchObject({
      level: 'ok',
      evidence: [],
    });
  });
  it.each([1, 0.995])('ok: waited for, by a timer that rang after %d s', async (after) => {
    expect((await judged('retry-after', asking('rpm_limit', 1, ['one', 0], ['one', after]))).level).toBe('ok');
  });
  it('error: not waited for', async () => {
    const found = await judged('retry-after', asking('rpm_limit', 2, ['one', 0], ['one', 0.5], ['one', 0.5]));
    expect(found).toMatchObject({ level: 'error', evidence: [2, 3] });
    expect(found.says).toContain('#2 came 0.5 s after #1, which said 1 s');
  });
  it('error: not as long as the tier said', async () => {
    const again = (seconds: number) => async (api: Api, clock: MovableClock) => {
      await manyChats(4)(api);
      clock.passSeconds(seconds);
      await manyChats(4)(api);
    };
    expect(await judged('retry-after', again(5), { rateTier: 0 })).toMatchObject({ level: 'error', evidence: [8] });
    expect((await judged('retry-after', again(60), { rateTier: 0 })).level).toBe('ok');
  });
  it('warning: no time passed on a clock that others move, so that nobody can tell', async () => {
    const unmoved: Act = async (api, clock) => {
      await asking('rpm_limit', 1, ['one', 0], ['one', 0])(api, clock);
      api.emulator.clock.advance(60_000);
      await chat(api, {}, 'two');
    };
    for (const options of [{}, { seed: 1 }]) {
      const found = await judged('retry-after', unmoved, options);
      expect(found).toMatchObject({ level: 'warning', evidence: [2] });
      expect(found.says).toContain('no time passed');
    }
  });
  it('error: no time passed on the clock of the system, which needs nobody to move it', async () => {
    const api = await startEmulator('in process');
    api.emulator.faults.add({ effect: 'error', code: 'rpm_limit' });
    for (let time = 0; time < 2; time += 1) await chat(api);
    const { body } = await api.get<JournalFile>('/_emulator/journal');
    const [{ at } = expect.fail('no entry')] = body.entries;
    const found = diagnose({ ...body, entries: body.entries.map((entry) => ({ ...entry, at })) });
    expect(found.find(({ rule }) => rule === 'retry-after')).toMatchObject({ level: 'error', evidence: [2] });
  });
  it.each([
    ['error', 'quota_exceeded', 60],
    ['error', 'tpd_limit', 3_600],
    ['ok', 'tpd_limit', 86_400],
  ] as const)('%s: %s, asked for again after %d s', async (level, code, after) => {
    const found = await judged('retry-after', asking(code, 1, ['one', 0], ['one', after]));
    expect(found).toMatchObject({ level, evidence: level === 'ok' ? [] : [2] });
  });
});

function manyChats(count: number) {
  return async (api: Api) => {
    for (let job = 1; job <= count; job += 1) await chat(api, {}, `job ${job}`);
  };
}
