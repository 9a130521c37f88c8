import { describe, expect, it } from 'vitest';
import { StateError } from '../../emulator/index.ts';
import { startEmulator } from '../support/emulator.ts';
import { exported, furnish } from './files.ts';
import { readable } from './readable.ts';

describe('a state file', () => {
  it('of which one byte is another is refused, and changes nothing', async () => {
    const { file } = await exported();
    const bytes = Buffer.from(file);
    const api = await startEmulator('in process', { seed: 'another' });
    await furnish(api);
    const before = await readable(api, ['sk-test']);
    for (let at = 0; at < bytes.length; at += 1) {
      const damaged = Buffer.from(bytes);
      // In turn another sign, another case, and no UTF-8.
      damaged[at] = (damaged[at] ?? 0) ^ ([0x01, 0x20, 0x80][at % 3] ?? 1);
      const error = await api.emulator.state.import(damaged).catch((thrown) => thrown);
      expect(error, `byte ${at}`).toBeInstanceOf(StateError);
      expect(error.message).not.toContain('\n');
    }
    expect(await readable(api, ['sk-test'])).toEqual(before);
  });

  it('of which an end or a beginning is missing is refused', async () => {
    const { file } = await exported();
    const { emulator } = await startEmulator('in process');
    for (const cut of ['', '\n', '{', file.slice(0, -2), file.slice(0, 120), file.slice(1), `${file} `, ` ${file}`]) {
      await expect(emulator.state.import(cut)).rejects.toThrow(/^the file is (?:not a kimi-emulator-state|damaged)/);
    }
    await emulator.state.import(file);
  });

  it.each<[string, (file: string) => string]>([
    ['without the end of its line', (file) => file.trimEnd()],
    ['with another line', (file) => `${file}\n`],
    ['with the ends of lines of Windows, and a byte order mark', (file) => `\uFEFF${file.replace('\n', '\r\n')}`],
  ])('that an editor has saved is imported: %s', async (_, saved) => {
    const { file, session } = await exported();
    const { emulator } = await startEmulator('in process');
    expect((await emulator.state.import(saved(file))).sessions).toEqual([session]);
  });

  it('that is not one is refused', async () => {
    const { emulator } = await startEmulator('in process');
    for (const file of [null, undefined, 7] as unknown as string[]) {
      await expect(emulator.state.import(file)).rejects.toThrow(StateError);
    }
  });

  it('that was reformatted is rejected as text, and imported parsed', async () => {
    const { file, session } = await exported();
    const { emulator } = await startEmulator('in process');
    const pretty = JSON.stringify(JSON.parse(file), null, 2);
    await expect(emulator.state.import(pretty)).rejects.toThrow('import a reformatted file as a parsed object');
    expect((await emulator.state.import(JSON.parse(pretty))).sessions).toEqual([session]);
    expect(await emulator.state.export()).toBe(file);
  });

  it('of which a parsed one was edited is refused', async () => {
    const { file } = await exported();
    const { emulator } = await startEmulator('in process');
    const edited = JSON.parse(file);
    edited.state.sessions[0].version += 1;
    await expect(emulator.state.import(edited)).rejects.toThrow('the file is damaged');
    await expect(emulator.state.import({ ...JSON.parse(file), more: 1 })).rejects.toThrow('it has the member more');
  });

  it('of a newer version is refused by its number', async () => {
    const { file } = await exported();
    const { emulator } = await startEmulator('in process');
    await expect(emulator.state.import(file.replace('state/1"', 'state/2"'))).rejects.toThrow(
      'the file was written by a newer kimi-emulator (kimi-emulator-state/2, this one knows kimi-emulator-state/1)',
    );
  });
});
