import { expect, test } from 'vitest';
import { Answers } from '../../emulator/store/answers.ts';
import { openDatabase } from '../../emulator/store/database.ts';

test('stores only the newest answers on a clock that stands still', () => {
  const database = openDatabase(':memory:');
  const answers = new Answers(database, 3);
  for (const key of ['1', '2', '3', '4', '5']) {
    answers.save('a', key, { fingerprint: key, status: 201, etag: null, body: '{}' }, 0, 100);
  }
  const found = ['1', '2', '3', '4', '5'].filter((key) => answers.find('a', key, 0) !== undefined);
  expect(found).toEqual(['3', '4', '5']);
  expect(database.prepare('SELECT count(*) AS count FROM answers').get()).toEqual({ count: 3 });
  database.close();
});
