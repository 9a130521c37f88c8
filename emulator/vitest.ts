import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base, type TestAPI } from 'vitest';
import { KimiClient } from '../client/index.ts';
import { type Emulator, renderJournal } from './index.ts';
import { hintPlace } from './options.ts';
import { openTaped, type TestOptions } from './tape/open-taped.ts';

/** What a test is given for the asking: `test('…', async ({ emulator, client }) => …)`. */
export interface KimiFixtures {
  /**
   * Options of the test's emulator; `{}` unless they are set with `test.extend({ emulatorOptions: … })`. With
   * `{ tape: 'agent.tape', mode: 'auto' }` recorded answers of an upstream stand in for the model. Hints stand behind the message
   * of each error, unless `hints: 'header'` or KIMI_EMULATOR_HINTS asks for the live API's texts.
   */
  emulatorOptions: TestOptions;
  /** An emulator of the test's own, in this process and in memory. */
  emulator: Emulator;
  /** A client of that emulator, on the stock `openai` SDK. Retries are off, so that every failure is seen. */
  client: KimiClient;
}

/**
 * Vitest's `test` with an emulator and a client of its own for each test that asks for them. When such a test fails, the
 * journal of its requests is printed; a fault that was added and never used fails it.
 * @example
 * ```ts
 * import { test } from 'kimi-emulator/vitest';
 *
 * test('keeps its title', async ({ client, emulator }) => {
 *   const { session_id } = await client.sessions.create({ title: 'harbour' });
 *   expect((await client.sessions.retrieve(session_id)).title).toBe('harbour');
 *   expect(emulator.journal.entries()).toHaveLength(2);
 * });
 * const small = test.extend({ emulatorOptions: { limits: { window_tokens: 256 } } });
 * ```
 */
export const test: TestAPI<KimiFixtures> = base.extend<KimiFixtures>({
  emulatorOptions: {},
  emulator: async ({ emulatorOptions, onTestFailed, task }, use) => {
    const emulator = openTaped({ hints: hintPlace(process.env, true), ...emulatorOptions });
    onTestFailed(() => {
      const entries = emulator.journal.entries();
      if (entries.length > 0) console.log(renderJournal(entries));
    });
    await use(emulator);
    if (task.result?.state === 'fail') await showState(emulator);
    const unused = emulator.faults.unused();
    await emulator.close();
    if (unused.length > 0) throw new Error(`unused faults: ${JSON.stringify(unused)}`);
  },
  client: async ({ emulator }, use) => {
    await use(new KimiClient({ baseURL: emulator.baseURL, apiKey: 'sk-test', fetch: emulator.fetch, maxRetries: 0 }));
  },
});

/** Stores what a failed test has left, and says how to look at it. Whatever goes wrong here must not hide the failure. */
async function showState(emulator: Emulator): Promise<void> {
  if (emulator.journal.entries().length === 0) return;
  try {
    const path = join(await mkdtemp(join(tmpdir(), 'kimi-emulator-')), 'state.json');
    await writeFile(path, await emulator.state.exportParts());
    console.log(`Look at its sessions: npx kimi-emulator inspect ${path} --open`);
  } catch (error) {
    console.log(`Its state could not be stored: ${error instanceof Error ? error.message : error}`);
  }
}
