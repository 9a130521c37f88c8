import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CASES } from '../../conformance/areas/cases.ts';
import { select } from '../../conformance/core/selection.ts';
import { conformance, temporaryFolder } from './command.ts';

const idsOf = (selection: Parameters<typeof select>[0]) => select(selection).map(({ id }) => id);

describe('what is left out', () => {
  it.each<[string, string[], (id: string) => boolean]>([
    ['an area', ['lists'], (id) => id.startsWith('lists.')],
    ['a case', ['truncate.minimum'], (id) => id === 'truncate.minimum'],
    ['the case of a check', ['append.limit-single/plain-over'], (id) => id === 'append.limit-single'],
    ['several', ['lists', 'balance.read'], (id) => id.startsWith('lists.') || id === 'balance.read'],
  ])('is %s', (_, exclude, isOut) => {
    const all = CASES.map(({ id }) => id);
    expect(idsOf({ exclude })).toEqual(all.filter((id) => !isOut(id)));
  });

  it('is taken from what was selected', () => {
    expect(idsOf({ cases: ['models', 'balance'], exclude: ['balance'] })).toEqual(idsOf({ cases: ['models'] }));
    expect(idsOf({ profiles: ['kimi-wire'], exclude: ['chat'] })).not.toContain('chat.shape');
  });

  it('is named in the report, and its rules are not judged', async () => {
    const out = temporaryFolder();
    const args = ['--case', 'models,balance', '--exclude', 'balance', '--report', 'json', '--out', out];
    const { code, stdout } = await conformance(args);
    expect(code).toBe(0);
    expect(stdout).toContain('without balance');
    const { run, results } = JSON.parse(readFileSync(join(out, 'conformance.json'), 'utf8'));
    expect(run).toMatchObject({ cases: ['models', 'balance'], excluded: ['balance'] });
    expect(new Set(results.map(({ case: owner }: { case: string }) => owner.split('.')[0]))).toEqual(
      new Set(['models']),
    );
  });

  it('leaves a run in parts: its list of known failures is neither written nor said to be wrong', async () => {
    const file = join(temporaryFolder(), 'baseline.json');
    const update = await conformance(['--exclude', 'lists', '--update', '--baseline', file]);
    expect(update.code).toBe(2);
    expect(update.stderr).toContain('--update needs a whole run, without --profile, --case and --exclude');
    const dates = { added: '2026-01-01', expires: '2999-01-01' };
    const entry = { check: 'lists.nothing/at-all', expect: 'fail', message: '', reason: 'known', ...dates };
    writeFileSync(file, JSON.stringify({ baseline: 1, entries: [entry] }));
    const run = await conformance(['--case', 'models', '--exclude', 'lists', '--baseline', file]);
    expect(run.code).toBe(0);
  });

  it('must exist, and must leave something to run', async () => {
    const unknown = await conformance(['--exclude', 'append.nonsense']);
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('no case append.nonsense') });
    const nothing = await conformance(['--case', 'models', '--exclude', 'models']);
    expect(nothing).toMatchObject({ code: 2, stderr: expect.stringContaining('the selection is empty') });
  });

  it('is left out of the plan and the list, too', async () => {
    const { stdout } = await conformance(['list', '--case', 'models,balance', '--exclude', 'models']);
    expect(stdout).toContain('balance.read');
    expect(stdout).not.toContain('models.');
    const plan = async (...args: string[]) => (await conformance(['plan', ...args])).stdout;
    expect(await plan('--case', 'models,balance', '--exclude', 'models')).toBe(await plan('--case', 'balance'));
  });
});
