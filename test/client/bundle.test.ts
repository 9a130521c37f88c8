import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const ENTRY = fileURLToPath(new URL('../../client/index.ts', import.meta.url));
const FORBIDDEN = /^node:|\/(?:hono|@hono|better-sqlite3|tiktoken|zod)\/|^emulator\//;

async function bundle(platform: 'browser' | 'neutral') {
  return build({
    entryPoints: [ENTRY],
    bundle: true,
    write: false,
    metafile: true,
    platform,
    format: 'iife',
    globalName: 'kimi',
    conditions: platform === 'neutral' ? ['worker', 'import'] : [],
    mainFields: ['module', 'main'],
    logLevel: 'silent',
  });
}

describe.each(['browser', 'neutral'] as const)('the client bundled for %s', (platform) => {
  it('needs nothing of Node, and brings no server, database or vocabulary', async () => {
    const { metafile, warnings } = await bundle(platform);
    const inputs = Object.keys(metafile.inputs);
    expect(warnings).toEqual([]);
    expect(inputs.length).toBeGreaterThan(20);
    expect(inputs.filter((path) => FORBIDDEN.test(path))).toEqual([]);
    const imported = Object.values(metafile.outputs).flatMap((output) => output.imports);
    expect(imported).toEqual([]);
  });
});

describe('the bundle', () => {
  it('answers where there is no process, Buffer or require', async () => {
    const [file] = (await bundle('browser')).outputFiles;
    const sent: string[] = [];
    const answer = async (input: unknown): Promise<Response> => {
      sent.push(String(input));
      return Response.json({ id: 'sess_1', object: 'session' });
    };
    const globals = {
      answer,
      Headers,
      Response,
      URL,
      AbortController,
      TextEncoder,
      TextDecoder,
      crypto,
      setTimeout,
      clearTimeout,
      console,
    };
    const script = `${file?.text}; new kimi.KimiClient({ fetch: answer }).sessions.retrieve('sess_1')`;
    expect(await runInNewContext(script, globals)).toMatchObject({ id: 'sess_1' });
    expect(sent).toEqual(['http://kimi-emulator.invalid/v1/sessions/sess_1']);
  });
});
