import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { PRICES } from '../../contract/index.ts';
import { Billing } from '../../emulator/billing/billing.ts';
import { CACHE_RULES, type CountedMessage } from '../../emulator/billing/prefix-cache.ts';
import { readPrices } from '../../emulator/billing/read-prices.ts';
import { GENERATION_TOKENS, message } from '../billing/prompts.ts';
import { makeProject, ROOT } from '../testing/project.ts';

const PAGE = readFileSync(`${ROOT}docs/spend.md`, 'utf8');
const execute = promisify(execFile);

function block(language: string, holding: string): string {
  const blocks = [...PAGE.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    ([, code = '']) => code,
  );
  return blocks.find((code) => code.includes(holding)) ?? '';
}

const { folder, env, remove } = makeProject({ 'example.mts': block('ts', 'createEmulator') });
afterAll(remove);

it('the example of docs/spend.md runs', async () => {
  const { stdout } = await execute(
    process.execPath,
    ['--import', `${ROOT}node_modules/tsx/dist/esm/index.mjs`, 'example.mts'],
    {
      cwd: folder,
      env,
    },
  );
  expect(stdout).toBe('USD 30 1 true\n');
});

it('the command of docs/spend.md prints the built-in prices', async () => {
  const { stdout } = await execute('sh', ['-ec', block('sh', 'PRICES')], { cwd: folder, env });
  for (const { model, source } of PRICES) {
    expect(stdout).toContain(model);
    expect(stdout).toContain(source);
  }
});

it('the price file of docs/spend.md is valid', () => {
  const [first, second] = readPrices(block('yaml', 'cached_input'), 'prices.yaml', (line) => expect.fail(line));
  expect(first).toMatchObject({ model: 'kimi-k3', cachedInput: 0.3, input: 3, output: 15 });
  expect(second).toMatchObject({ input: 2.5, since: '2027-01-01' });
});

it('docs/spend.md states the defaults of the cache', () => {
  for (const [name, value] of Object.entries(CACHE_RULES)) {
    expect(PAGE).toContain(`\`${name}\` ${value.toLocaleString('en-US')}`);
  }
});

it('the cached tokens in the table of docs/spend.md are right', () => {
  const billing = new Billing({ clock: { now: () => 0 }, windowTokens: 262_144 });
  const rows = [...PAGE.matchAll(/^\| ((?:[SQA]\d? [\d,]+(?: \+ )?)+) \| ([\d,]+) \| ([\d,]+) \|/gm)];
  expect(rows).toHaveLength(7);
  for (const [, sent = '', prompt = '', cached = ''] of rows) {
    const written = sent.split(' + ').map((text): CountedMessage => {
      const [name = '', tokens = ''] = text.split(' ');
      return message(name, number(tokens));
    });
    const promptTokens = written.reduce((sum, { tokens }) => sum + tokens, GENERATION_TOKENS);
    expect(promptTokens).toBe(number(prompt));
    const tools = { tools: [], tokens: 0 };
    const request = { account: 'a', session: sent, model: 'kimi-k2-0905', tools, window: [], written };
    const bill = billing.open({ ...request, promptTokens, maxTokens: 1_000 });
    expect([sent, bill.cachedTokens]).toEqual([sent, number(cached)]);
    bill.settle(200);
  }
  const [, product = ''] = /(\([\d,.× +]+\) ÷ 1,000,000 = [\d.]+ USD)/.exec(PAGE) ?? [];
  const [session] = billing
    .spend()
    .sessions.filter(({ session_id }) => session_id.endsWith('Q3 100') && session_id.includes('A2'));
  expect(session?.arithmetic).toContain(`as it was, 1 turn: ${product}`);
});

function number(text: string): number {
  return Number(text.replaceAll(',', ''));
}
