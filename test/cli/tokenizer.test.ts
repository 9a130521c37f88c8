import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, type TestContext, test } from 'vitest';
import { type InstallOptions, runTokenizerCommand } from '../../emulator/cli/tokenizer.ts';
import { openTokenizer } from '../../emulator/tokenizer.ts';
import { KIMI_FILE } from '../engines/tokens/oracles.ts';

let folder: string;
let dataDir: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kimi-emulator-test-'));
  dataDir = join(folder, 'data');
});

afterEach(() => rmSync(folder, { recursive: true }));

async function run(args: string[], options: InstallOptions = {}) {
  const written = { out: '', err: '' };
  const code = await runTokenizerCommand(
    args,
    {
      stdout: {
        write: (text) => {
          written.out += text;
        },
      },
      stderr: {
        write: (text) => {
          written.err += text;
        },
      },
      env: {},
    },
    { dataDir, ...options },
  );
  return { code, ...written };
}

function kimiFile(context: TestContext): Buffer {
  if (!existsSync(KIMI_FILE)) {
    console.warn(`skipped: ${context.task.name} needs the Kimi vocabulary at ${KIMI_FILE}`);
    context.skip('no Kimi vocabulary');
  }
  return readFileSync(KIMI_FILE);
}

/** A web that answers with these bytes, in chunks, and keeps what was asked for. */
function web(content: Uint8Array, status = 200) {
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = async (url) => {
    asked.push(String(url));
    const half = content.length >> 1;
    const body = new ReadableStream({
      start(controller) {
        for (const chunk of [content.subarray(0, half), content.subarray(half)]) controller.enqueue(chunk);
        controller.close();
      },
    });
    return new Response(body, { status });
  };
  return { asked, fetch };
}

describe('--install', () => {
  test('puts a file where it is found without --tokenizer', async (context) => {
    kimiFile(context);
    const { code, out, err } = await run(['--install', KIMI_FILE]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toBe(`installed: ${join(dataDir, readdirSync(dataDir)[0] ?? '')}\n`);
    expect(openTokenizer({ env: {}, dataDir })).toMatchObject({ name: 'kimi-k2', exact: true });
  });

  test('downloads from a URL, or else what Moonshot published', async (context) => {
    const { asked, fetch } = web(kimiFile(context));
    expect(await run(['--install', 'https://example.test/model'], { fetch })).toMatchObject({ code: 0, err: '' });
    expect(await run(['--install'], { fetch })).toMatchObject({ code: 0, err: '' });
    expect(asked[0]).toBe('https://example.test/model');
    expect(asked[1]).toMatch(/^https:.*\/moonshotai\/.*\/tiktoken\.model$/);
    expect(openTokenizer({ env: {}, dataDir }).exact).toBe(true);
    expect(readdirSync(dataDir)).toHaveLength(1);
  });

  test('installs only the exact file that Moonshot published', async () => {
    const wrong = join(folder, 'wrong');
    writeFileSync(wrong, 'IQ== 0\n');
    const { fetch } = web(Buffer.from('<html>please log in</html>'));
    for (const { code, out, err } of [await run(['--install', wrong]), await run(['--install'], { fetch })]) {
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toMatch(/^kimi-emulator tokenizer: .* is not Kimi's vocabulary: its sha256 is .*\n$/);
    }
    expect(existsSync(dataDir)).toBe(false);
  });

  test('says in one line how to get the file where there is no network', async () => {
    const fetch = () => Promise.reject(new TypeError('fetch failed', { cause: new Error('getaddrinfo ENOTFOUND') }));
    const { code, err } = await run(['--install'], { fetch });
    expect(code).toBe(1);
    expect(err).toMatch(/^[^\n]*\(getaddrinfo ENOTFOUND\); get tiktoken.model from https:[^\n]* --install FILE\n$/);
  });

  test('reports in one line a download or write that fails', async (context) => {
    const { fetch } = web(Buffer.from(''), 404);
    expect((await run(['--install'], { fetch })).err).toMatch(/^[^\n]*it answered 404[^\n]*\n$/);
    expect((await run(['--install', join(folder, 'missing')])).err).toMatch(
      /^[^\n]*cannot read [^\n]*missing[^\n]*\n$/,
    );
    expect((await run(['--install', 'ftp://host/file'])).err).toMatch(/takes a file or an http\(s\) URL, not ftp:/);
    kimiFile(context);
    writeFileSync(dataDir, 'in the way');
    expect(await run(['--install', KIMI_FILE])).toMatchObject({ code: 1, err: expect.stringMatching(/cannot write/) });
  });
});

test('--count prints the tokens with each available vocabulary', async (context) => {
  const text = join(folder, 'text');
  writeFileSync(text, 'hello world');
  expect((await run(['--count', text])).out).toMatch(/^o200k_base +2 tokens\n$/);
  const counts = JSON.parse((await run(['--count', text, '--json'])).out);
  expect(counts).toEqual([{ tokenizer: 'o200k_base', tokens: 2, exact: false }]);
  kimiFile(context);
  await run(['--install', KIMI_FILE]);
  expect((await run(['--count', text])).out).toMatch(
    /^kimi-k2 +2 tokens, as the live API counts\no200k_base +2 tokens\n$/,
  );
});

test('kimi-emulator tokenizer --help explains --install and --count', async () => {
  const { code, out } = await run(['--help']);
  expect(code).toBe(0);
  expect(out).toMatch(/--install \[FILE\|URL\].*\n.*--count FILE/);
});

test.each([
  [[], 'use --install'],
  [['--instal'], "unknown flag '--instal'"],
  [['--count'], 'argument missing'],
  [['--install', '--count', 'x'], 'exclude each other'],
  [['--install', 'x', 'y'], 'unexpected argument y'],
  [['x'], 'unexpected argument x'],
])('kimi-emulator tokenizer reports the wrong arguments %j in one line, with exit code 2', async (args, problem) => {
  const { code, out, err } = await run(args);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toMatch(/^kimi-emulator tokenizer: [^\n]+\n$/);
  expect(err).toContain(problem);
});

test('--count of an unreadable file is reported in one line, with exit code 1', async () => {
  expect(await run(['--count', join(folder, 'missing')])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^kimi-emulator tokenizer: cannot read [^\n]*\n$/),
  });
});
