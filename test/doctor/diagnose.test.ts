import { expect, it } from 'vitest';
import { diagnose, RULES } from '../../emulator/doctor/diagnose.ts';
import type { JournalFile } from '../../emulator/journal/journal-file.ts';
import { startEmulator } from '../support/emulator.ts';

it('every rule of the doctor has one finding per run, also for an empty run', async () => {
  const api = await startEmulator('in process');
  const { body } = await api.get<JournalFile>('/_emulator/journal');
  expect(
    diagnose(body)
      .map(({ rule }) => rule)
      .toSorted(),
  ).toEqual(RULES.map(({ name }) => name).toSorted());
  const [first] = diagnose(body);
  expect(first).toMatchObject({ rule: 'rate-limits', level: 'warning' });
  expect(diagnose(body).filter(({ says }) => /\b(?:0|all)\b/.test(says))).toEqual([]);
});
