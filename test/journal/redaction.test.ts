import fc from 'fast-check';
import { expect, it } from 'vitest';
import { renderJournal } from '../../emulator/index.ts';
import { Redactor } from '../../emulator/journal/redact.ts';
import { startEmulator, TRANSPORTS } from '../support/emulator.ts';
import { runs } from '../support/runs.ts';

/** What a header can carry as a key, long enough to be one. */
const key = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 8,
  maxLength: 120,
});

it('the journal shows no API key, wherever a client put it', async () => {
  const [api, http] = await Promise.all(TRANSPORTS.map((transport) => startEmulator(transport)));
  await fc.assert(
    fc.asyncProperty(key, fc.nat({ max: 12_000 }), fc.constantFrom(api, http), async (secret, length, target) => {
      if (!target) return;
      target.emulator.journal.clear();
      const call = { key: secret, headers: { 'Idempotency-Key': `of ${secret}` } };
      // So long that the key may come to stand where the text is cut.
      await target.post(
        '/v1/sessions',
        { title: `${'x'.repeat(length)}${secret}`, metadata: { [secret]: secret } },
        call,
      );
      await target.post('/v1/sessions', { model: secret }, call);
      await target.get(`/v1/models/${encodeURIComponent(secret)}?key=${encodeURIComponent(secret)}`, { key: secret });
      const entries = target.emulator.journal.entries();
      const shown = `${JSON.stringify(entries)}\n${renderJournal(entries)}\n${(await target.get('/_emulator/journal')).text}`;
      expect(entries.length).toBe(3);
      const strings = (value: unknown): string[] =>
        typeof value === 'string'
          ? [value]
          : typeof value === 'object' && value
            ? Object.values(value).flatMap(strings)
            : [];
      for (const each of [...strings(entries), shown]) expect(each.includes(secret), each.slice(0, 2_000)).toBe(false);
    }),
    { numRuns: runs(40) },
  );
});

it('the journal shows no API key of which any characters are percent-encoded', async () => {
  const api = await startEmulator('over HTTP');
  const masks = fc.array(fc.constantFrom('plain', 'upper', 'lower'), { minLength: 120, maxLength: 120 });
  await fc.assert(
    fc.asyncProperty(key, masks, async (secret, mask) => {
      api.emulator.journal.clear();
      const encoded = [...secret].map((character, place) => {
        const code = `%${character.charCodeAt(0).toString(16)}`;
        // What stands plain in a URL must not end or change it.
        const how = /[\w.~-]/.test(character) ? mask[place] : mask[place] === 'plain' ? 'upper' : mask[place];
        return how === 'plain' ? character : how === 'upper' ? code.toUpperCase() : code;
      });
      await api.get(`/v1/models?before=1&key=${encoded.join('')}&after=2`, { key: secret });
      const shown = JSON.stringify(api.emulator.journal.entries().map(({ path }) => decodeURIComponent(path)));
      expect(shown).not.toContain(JSON.stringify(secret).slice(1, -1));
      expect(shown).toContain('before=1');
    }),
    { numRuns: runs(100) },
  );
  await api.get('/v1/shares/shr%5Fabcdefghijklmnop');
  expect(api.emulator.journal.entries().at(-1)?.path).not.toContain('abcdef');
});

it('the journal shows no part of an API key where a text was cut inside it', () => {
  const redactor = new Redactor(['key+with/odd=signs']);
  const seen = redactor.stored({ head: 'before key+with/o', tail: 'dd=signs after', leftOut: 100, unit: 'bytes' });
  expect(seen).toBe('before  [100 bytes left out]  after');
});

it('many keys are redacted as each one alone would be, the longest first', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '/'), minLength: 8, maxLength: 12 });
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 8 }), fc.array(letters), (keys, words) => {
      const text = [...words, ...keys, ...words].join('b');
      const seen = new Redactor(keys).text(text);
      for (const secret of keys) expect(seen).not.toContain(secret);
      if (keys.length === 0) expect(seen).toBe(text);
      const [only] = keys;
      if (only !== undefined) expect(new Redactor([only]).text(text)).toBe(text.replaceAll(only, '[redacted]'));
    }),
    { numRuns: runs(300) },
  );
});

it.each([
  ['of any kind', (n: number) => `key-of-customer-${n}/${n * 7}`, 'a line of a conversation, of no interest. '],
  ['that are there from the start on, each longer', (n: number) => `${'line'.repeat(n + 2)}!`, 'line of a line'],
  ['that are there but for their ends', (n: number) => `a ${'line'.repeat(n + 2)}!`, `a ${'line'.repeat(8)}? `],
])('redacts 1,000 keys %s in about the time of one', (_name, key, line) => {
  const text = line.repeat(Math.ceil(210_000 / line.length));
  const timeOf = (keys: number) => {
    const redactor = new Redactor(Array.from({ length: keys }, (_, n) => key(n)));
    const { user } = process.cpuUsage();
    for (let round = 0; round < 20; round += 1) expect(redactor.text(text)).toBe(text);
    return process.cpuUsage().user - user;
  };
  timeOf(1);
  expect(timeOf(1_000) / timeOf(1)).toBeLessThan(10);
});

it('of a key that goes on otherwise behind its 64th character, what is the same is redacted', () => {
  const start = 'a+key/'.repeat(20);
  const redactor = new Redactor([`${start}one`, `${start.slice(0, 90)}two`]);
  expect(redactor.text(`<${start}three> <${start}one> <${start.slice(0, 90)}two>`)).toBe(
    '<[redacted]three> <[redacted]> <[redacted]>',
  );
  expect(redactor.text(start.slice(0, 60))).toBe(start.slice(0, 60));
});

it('redacts a text full of percent-encoded keys in time that grows with its length', () => {
  const timeOf = (count: number) => {
    const text = '%73k-abcdefgh '.repeat(count);
    const { user } = process.cpuUsage();
    for (let round = 0; round < 3; round += 1) expect(new Redactor([]).text(text)).toBe('[redacted] '.repeat(count));
    return process.cpuUsage().user - user;
  };
  timeOf(2_000);
  expect(timeOf(16_000) / timeOf(2_000)).toBeLessThan(24);
});

it('the journal redacts share ids and keys of other services, but not words', () => {
  const redactor = new Redactor(['test', 'sk-1']);
  expect(redactor.text('/v1/shares/shr_0123abcd by sk-1, sk-proj_abcdefgh: a test of a task-force')).toBe(
    '/v1/shares/shr_[redacted] by [redacted], [redacted]: a test of a task-force',
  );
});

it('the journal shows an account by the beginning of its hash', async () => {
  const api = await startEmulator('in process');
  await api.get('/v1/models', { key: 'sk-one-account' });
  await api.send('GET', '/v1/models', undefined, { headers: { Authorization: 'nothing' } });
  const [one, none] = api.emulator.journal.entries();
  expect(one?.account).toMatch(/^[0-9a-f]{12}$/);
  expect(none).toMatchObject({ status: 401, code: 'incorrect_api_key' });
  expect(none).not.toHaveProperty('account');
});
