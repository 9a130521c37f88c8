import { MODEL_ID } from '../contract/models.ts';
import type { Case } from './core/case.ts';
import { OTHER_MODEL, Runner, type RunnerOptions } from './core/runner.ts';
import { type Selection, select } from './core/selection.ts';
import type { CheckResult } from './core/verdict.ts';
import type { Target } from './targets/target.ts';

/** As much of a test runner as the kit needs. */
interface TestRunner {
  describe(name: string, body: () => void): void;
  /** `skip` marks the test as left out, with the reason, and may end it. */
  it(name: string, body: (skip: (reason: string) => void) => Promise<void>): void;
  beforeAll(body: () => Promise<void>): void;
  afterAll(body: () => Promise<void>): void;
}

/** What is judged of the target, and the most that it may cost. */
export interface RegisterOptions extends Selection, Pick<RunnerOptions, 'maxSpend'> {
  /** The model of a target that is made when the tests run, since its cases have to be known before; the dialect's where absent. */
  model?: string;
}

/**
 * Registers each check of the kit as a test. A case runs once, for the first of its checks. The last test sees that something was judged,
 * so that a suite that skips all is not green.
 * @param target what is judged, or what makes it; one that is made is closed at the end
 * @returns results so far, by check
 */
export function registerWith(
  runner: TestRunner,
  target: Target | (() => Target | Promise<Target>),
  { maxSpend, model = MODEL_ID, ...selection }: RegisterOptions = {},
): ReadonlyMap<string, CheckResult> {
  const found = new Map<string, CheckResult>();
  let running: Runner | undefined;
  let opened: Target | undefined;
  runner.describe('conformance', () => {
    runner.beforeAll(async () => {
      opened = typeof target === 'function' ? await target() : target;
      running = new Runner(opened, maxSpend === undefined ? {} : { maxSpend });
      await running.prepare();
    });
    runner.afterAll(async () => {
      running?.close();
      if (typeof target === 'function') await opened?.close?.();
    });
    for (const subject of select(selection, typeof target === 'function' ? model : target.model)) {
      const results = once(async () => {
        if (!running) throw new Error('beforeAll has not run');
        const all = await running.runCase(subject);
        for (const result of all) found.set(result.id, result);
        return all;
      });
      registerCase(runner, subject, results);
    }
    runner.it('a rule passed, and nothing is left behind', async () => {
      if (!running || found.size === 0) throw new Error('nothing was run');
      const left = [
        ...running.leaked.map(({ kind, id }) => `${kind} ${id}`),
        ...running.resources.unanswered.map(({ request }) => `possibly what ${request} created: its answer was lost`),
      ];
      if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
      const verdicts = [...found.values()].map(({ verdict }) => verdict);
      const judged = verdicts.some((verdict) => verdict !== 'n/a' && verdict !== 'not_run' && verdict !== 'info');
      if (!judged) throw new Error('no rule passed: every check was skipped, or is not scored on this target');
    });
  });
  return found;
}

function registerCase({ describe, it }: TestRunner, subject: Case, results: () => Promise<CheckResult[]>): void {
  describe(`${subject.id}: ${subject.title}`, () => {
    for (const [name, rule] of Object.entries(subject.checks)) {
      it(`${name} (${rule})`, async (skip) => {
        const result = (await results()).find(({ id }) => id === `${subject.id}/${name}`);
        if (!result) throw new Error(`${subject.id}/${name} has no result`);
        const { verdict, message = '', exchanges = [] } = result;
        if (verdict === 'n/a' || verdict === 'not_run' || message === OTHER_MODEL) skip(message);
        if (verdict === 'fail' || verdict === 'error')
          throw new Error([`${verdict}: ${message}`, ...exchanges].join('\n'));
      });
    }
  });
}

function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
