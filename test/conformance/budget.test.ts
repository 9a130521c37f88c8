import { expect, it, onTestFinished } from 'vitest';
import { CASES } from '../../conformance/areas/cases.ts';
import { Budget, BudgetExhausted } from '../../conformance/core/budget.ts';
import type { Case } from '../../conformance/core/case.ts';
import { CreatedResources } from '../../conformance/core/created-resources.ts';
import { runConformance } from '../../conformance/core/run.ts';
import { planOf } from '../../conformance/core/selection.ts';
import { emulatorTarget } from '../../conformance/targets/emulator.ts';
import type { Target } from '../../conformance/targets/target.ts';
import { Api } from '../../conformance/wire/api.ts';
import { Connection } from '../../conformance/wire/connection.ts';
import { Exchanges } from '../../conformance/wire/exchanges.ts';
import { Reply } from '../../conformance/wire/reply.ts';
import { resolveLimits } from '../../contract/limits.ts';
import { PRICES, type Price } from '../../contract/prices.ts';
import { conformance, temporaryFolder } from './command.ts';
import { type Recorder, startRecorder } from './recorder.ts';

const MODEL = 'kimi-k2-0905-preview';
const price = dollars();

function dollars(): Price {
  const found = PRICES.find(({ model, currency }) => model === MODEL && currency === 'USD');
  if (!found) throw new Error('no price');
  return found;
}

function liveEnv({ url }: Recorder): Record<string, string> {
  return {
    KIMI_CONFORMANCE_TARGET: 'live',
    KIMI_BASE_URL: url,
    KIMI_API_KEY: 'sk-live',
    KIMI_CONFORMANCE_MODEL: MODEL,
  };
}

/** What the answers that went out would have cost, by their own usage. */
function bill({ requests }: Recorder): number {
  return requests
    .filter(({ path, status }) => path === '/v1/chat/completions' && status === 200)
    .map(({ text }) => {
      const [, prompt = 0, completion = 0] = /"prompt_tokens":(\d+),"completion_tokens":(\d+)/.exec(text) ?? [];
      return (Number(prompt) * price.input + Number(completion) * price.output) / 1_000_000;
    })
    .reduce((sum, cost) => sum + cost, 0);
}

it('without --yes the plan is printed and nothing is sent', async () => {
  const recorder = await startRecorder();
  const { code, stdout, stderr } = await conformance(['--out', temporaryFolder()], { env: liveEnv(recorder) });
  expect(recorder.requests).toEqual([]);
  expect(code).toBe(2);
  expect(stdout).toMatch(/cases, \d+ checks/);
  expect(stdout).toMatch(/money at most +\d/);
  expect(stderr).toContain('--yes');
});

it('the plan says so where the price of the model is not known', async () => {
  const recorder = await startRecorder();
  const env = { ...liveEnv(recorder), KIMI_CONFORMANCE_MODEL: 'kimi-unheard-of' };
  const { stdout } = await conformance(['plan'], { env });
  expect(stdout).toContain('the price of kimi-unheard-of is unknown');
});

it.each(['--yes', '--max-spend=1'])('nothing is sent with %s alone', async (flag) => {
  const recorder = await startRecorder();
  const { code } = await conformance([flag, '--out', temporaryFolder()], { env: liveEnv(recorder) });
  expect({ code, requests: recorder.requests }).toEqual({ code: 2, requests: [] });
});

it.each([0.000_05, 0.000_5, 0.002])('a run never spends more than its cap of %f', async (cap) => {
  const recorder = await startRecorder();
  const args = ['--yes', '--max-spend', String(cap), '--profile', 'kimi-wire', '--out', temporaryFolder()];
  const { code } = await conformance(args, { env: liveEnv(recorder) });
  expect(bill(recorder)).toBeLessThanOrEqual(cap);
  expect(code).toBe(4);
});

it('a run with a large enough budget is complete, and reports what it spent', async () => {
  const recorder = await startRecorder({ apiKeys: ['sk-live'] });
  const args = ['--yes', '--max-spend', '2', '--profile', 'kimi-wire', '--out', temporaryFolder()];
  const { code, stdout } = await conformance(args, { env: liveEnv(recorder) });
  expect(stdout).toContain('USD');
  expect(code).toBe(0);
});

it.each([
  [400, 0],
  [500, 0.000_3],
])('a chat that is answered with %i counts as at least %f', (status, least) => {
  const budget = new Budget(price, 1, () => resolveLimits());
  const body = { max_tokens: 128 };
  const reservation = budget.reserve({ method: 'POST', path: '/chat/completions', content: '{}', body });
  reservation.settle(new Reply('a chat', { status, headers: new Headers(), text: '{}' }));
  expect(budget.spent).toBeGreaterThanOrEqual(least);
  if (least === 0) expect(budget.spent).toBe(0);
});

it('requests at the same time do not spend the same money twice', async () => {
  const recorder = await startRecorder();
  const cap = 0.000_5;
  const budget = new Budget(price, cap, () => resolveLimits());
  const api = new Api({
    connection: new Connection({ fetch, deadlineMs: 10_000 }),
    baseURL: recorder.url,
    key: 'sk-live',
    account: 'A',
    exchanges: new Exchanges('A'),
    resources: new CreatedResources({ run: 'run', target: recorder.url }),
    budget,
    signal: new AbortController().signal,
  });
  const body = { model: MODEL, max_tokens: 16, messages: [{ role: 'user', content: 'Reply with only: fine' }] };
  const sends = Array.from({ length: 40 }, () => api.post('/chat/completions', body));
  const outcomes = await Promise.allSettled(sends);
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.every(({ reason }) => reason instanceof BudgetExhausted)).toBe(true);
  expect(bill(recorder)).toBeGreaterThan(0);
  expect(bill(recorder)).toBeLessThanOrEqual(cap);
  expect(budget.spent).toBeLessThanOrEqual(cap);
});

/** What chats that were answered since it was last asked may have taken at most: `max_tokens` of each choice. */
function watched(target: Target): { target: Target; most: () => number } {
  let most = 0;
  const send: typeof fetch = async (input, init) => {
    const response = await target.fetch(input, init);
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    if (!pathname.endsWith('/chat/completions') || !response.ok || typeof init?.body !== 'string') return response;
    const { n = 1, max_tokens, max_completion_tokens = max_tokens ?? 0 } = JSON.parse(init.body);
    most += (n ?? 1) * (max_completion_tokens ?? 0);
    return response;
  };
  const take = () => {
    const taken = most;
    most = 0;
    return taken;
  };
  return { target: { ...target, fetch: send }, most: take };
}

it.each(['kimi-k2-0905-preview', 'kimi-k2.7-code', 'kimi-k3'])(
  'the plan for %s covers the answers that its cases ask for',
  async (model) => {
    const { target, most } = watched(await emulatorTarget({ model }));
    onTestFinished(() => target.close?.());
    const names = [
      'chat.shape',
      'chat.partial',
      'chat.length',
      'chat.n',
      'stream.usage',
      'turn.stream',
      'turn.call-numbers-whole',
      'idempotency.chat',
    ];
    const cases = CASES.filter(({ id }) => names.includes(id));
    expect(cases.length).toBeGreaterThan(3);
    const asked = new Map<string, number>();
    const onCase = ({ id }: Case) => void asked.set(id, most());
    await runConformance(target, { cases: cases.map(({ id }) => id), onCase });
    const limits = resolveLimits(target.limits);
    const budget = new Budget(price, Number.POSITIVE_INFINITY, () => limits);
    const rows = cases.map((subject) => {
      const { completionTokens: planned } = planOf([subject], limits, budget, model);
      return { id: subject.id, planned, asked: asked.get(subject.id) ?? 0 };
    });
    expect(rows.filter((row) => row.asked > row.planned)).toEqual([]);
    // Some are of other models.
    expect(rows.filter((row) => row.asked > 0).length).toBeGreaterThan(3);
  },
);
