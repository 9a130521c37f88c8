import { describe, expect, it, onTestFinished } from 'vitest';
import { createEmulator, type EmulatorOptions } from '../emulator/index.ts';

/** What is given wrong, as a caller without types might, and what the one line must say. */
const WRONG: [object, string][] = [
  [
    { limit: { window_tokens: 1_000 } },
    'unknown option limit; did you mean limits? options: database, limits, apiKeys',
  ],
  [{ keys: ['sk-a'] }, 'unknown option keys; did you mean apiKeys?'],
  [{ hosts: [] }, 'unknown option hosts; did you mean allowedHosts?'],
  [{ tier: 1 }, 'unknown option tier; did you mean rateTier?'],
  [{ billing: { balanse: '1USD' } }, 'unknown option billing.balanse; did you mean billing.balance?'],
  [{ __proto__: null, toString: 1 }, 'unknown option toString'],
  [{ limits: { windows: 5 } }, 'unknown limit windows'],
  [
    { cors: ['localhost:5173'] },
    'option cors[0] must be an origin such as http://localhost:5173, not "localhost:5173"',
  ],
  [{ cors: 'http://localhost' }, 'option cors must be a list'],
  [{ cors: ['http://localhost', 'http://localhost/path'] }, 'option cors[1]'],
  [{ allowedHosts: ['http://name'] }, 'option allowedHosts[0] must be a host name'],
  [{ allowedHosts: ['*'] }, 'must be a host name such as emulator.local, without wildcards, not "*"'],
  [{ allowedHosts: ['ok.local', '*.local'] }, 'option allowedHosts[1] must be a host name'],
  [{ apiKeys: ['sk one'] }, 'option apiKeys[0] must be a key that a header can carry, not "sk one"'],
  [{ apiKeys: [1] }, 'option apiKeys[0]'],
  [{ rateTier: 6 }, 'option rateTier must be one of 0, 1, 2, 3, 4, 5, not 6'],
  [{ rateTier: '1' }, 'option rateTier'],
  [{ streamChunkSize: 0 }, 'option streamChunkSize must be a whole number from 1, not 0'],
  [{ journal: null }, 'option journal must be an object of entries, bytes, not null'],
  [{ limits: null }, 'option limits must be an object of limits, not null'],
  [{ journal: { entries: -1 } }, 'option journal.entries must be a whole number from 0, not -1'],
  [{ database: '' }, 'option database must be a file, or :memory:, not ""'],
  [{ database: null }, 'option database must be a file, or :memory:, not null'],
  [{ model: {} }, 'option model must be an object with a method complete, not {}'],
  [{ model: { complete: 'yes', key: 'sk-secret' } }, 'not {"complete":"string","key":"string"}'],
  [{ model: null }, 'option model'],
  [{ models: 'kimi-k3' }, 'option models must be live, or a list of models, not "kimi-k3"'],
  [{ models: [] }, 'option models must be live, or a list of models, not []'],
  [
    { models: ['kimi-k3', 'kimi-k9'] },
    'option models[1] must be one of kimi-k3.1-pro, kimi-k3.1-pro-highspeed, kimi-k3,',
  ],
  [{ seed: {} }, 'option seed must be a text or a number, not {}'],
  [{ seed: Number.NaN }, 'option seed'],
  [{ tokenizer: 5 }, 'option tokenizer must be a file, o200k_base, or an object with a method load, not 5'],
  [{ tokenizer: '' }, 'option tokenizer'],
  [{ tokenizer: null }, 'option tokenizer'],
  [{ clock: {} }, 'option clock must be an object with a method now, not {}'],
];

describe('an emulator made with a wrong option', () => {
  it.each(WRONG)('%j is refused in one line', (options, said) => {
    expect(() => createEmulator(options as EmulatorOptions)).toThrow(said);
    expect(() => createEmulator(options as EmulatorOptions)).toThrow(/^[^\n]+$/);
  });

  it('does not fail for an undefined option', () => {
    const emulator = createEmulator({ rateTier: undefined, cors: undefined } as unknown as EmulatorOptions);
    onTestFinished(() => emulator.close());
    expect(emulator.limits.sessions).toBe(100);
  });
});
