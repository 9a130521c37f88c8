import { isAbsolute, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { userCacheFolder, userDataFolder } from '../../../emulator/engines/tokens/user-folders.ts';

test('both are folders of the emulator’s own, under the user’s home', () => {
  for (const folder of [userDataFolder({}), userCacheFolder({})]) {
    expect(isAbsolute(folder)).toBe(true);
    expect(folder).toContain('kimi-emulator');
  }
  expect(userDataFolder({})).not.toBe(userCacheFolder({}));
});

describe.runIf(process.platform === 'linux')('on Linux', () => {
  test('they follow the XDG base directory specification', () => {
    const env = { HOME: '/home/u', XDG_DATA_HOME: '/data', XDG_CACHE_HOME: '/cache' };
    expect(userDataFolder(env)).toBe(join('/data', 'kimi-emulator'));
    expect(userCacheFolder(env)).toBe(join('/cache', 'kimi-emulator'));
  });

  test('unset and relative variables mean the default', () => {
    for (const env of [{ HOME: '/home/u' }, { HOME: '/home/u', XDG_DATA_HOME: 'data', XDG_CACHE_HOME: '' }]) {
      expect(userDataFolder(env)).toBe('/home/u/.local/share/kimi-emulator');
      expect(userCacheFolder(env)).toBe('/home/u/.cache/kimi-emulator');
    }
  });
});
