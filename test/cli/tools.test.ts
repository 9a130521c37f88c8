import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { runToolsCommand } from '../../emulator/cli/tools.ts';
import { listMcpTools } from '../../emulator/tools/mcp-tools.ts';

const folder = mkdtempSync(join(tmpdir(), 'kimi-tools-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function run(args: string[], input = '') {
  let stdout = '';
  let stderr = '';
  const code = await runToolsCommand(args, {
    stdin: Readable.from([input]),
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    env: {},
  });
  return { code, stdout, stderr };
}

function file(content: unknown): string {
  const path = join(folder, 'tools.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const tool = (name: string, parameters?: object) => ({
  type: 'function',
  function: { name, ...(parameters && { parameters }) },
});
const object = (properties: object) => ({ type: 'object', properties });
const good = tool('read_file', object({ path: { type: 'string' } }));

describe('kimi-emulator tools check', () => {
  it('ends with 0 for tools that the live API takes', async () => {
    expect(await run(['check', file([good, tool('ping')])])).toEqual({
      code: 0,
      stdout: 'kimi-k3 accepts all 2 tools\n',
      stderr: '',
    });
  });

  it('ends with 1 and says for each tool where, why and how to write it instead', async () => {
    const bad = tool('list', object({ mode: { enum: ['a', 'b'] } }));
    const { code, stdout } = await run(['check', file([good, bad])]);
    expect(code).toBe(1);
    expect(stdout).toBe(`list
  at   function.parameters.properties.mode
  400  Invalid request: tools.function.parameters is not a valid moonshot flavored json schema, details: <At path 'properties.mode': type is not defined>
  fix  add the type of the values beside enum

kimi-k3 would refuse 1 of 2 tools
`);
  });

  it.each<[string, unknown, string, string]>([
    ['no type', { function: { name: 'f' } }, 'type', 'type must be function or builtin_function'],
    ['no function', { type: 'function' }, 'function', 'function is required'],
    ['no name', { type: 'function', function: {} }, 'function.name', 'function.name is required'],
    ['a name that begins with a digit', tool('1bad_name'), 'function.name', 'function.name must match'],
    ['a name with another character', tool('bad@name'), 'function.name', 'function.name must match'],
    ['an empty name', tool(''), 'function.name', 'function.name must match'],
    ['a name of 257 characters', tool('a'.repeat(257)), 'function.name', 'function.name must match'],
    [
      'parameters without a type',
      tool('f', {}),
      'function.parameters.type',
      'tools.function.parameters.type is required and must be "object"',
    ],
    [
      'parameters of another type',
      tool('f', { type: 'array' }),
      'function.parameters.type',
      'tools.function.parameters.type is required',
    ],
    ['a name twice', [good, good], 'function.name', 'function name read_file is duplicated'],
  ])('refuses %s', async (_, tools, field, text) => {
    const { code, stdout } = await run(['check', '-', '--json'], JSON.stringify([tools].flat()));
    expect(code).toBe(1);
    const { faults } = JSON.parse(stdout);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ field, text: expect.stringContaining(text), fix: expect.stringMatching(/\w/) });
  });

  it('tells of every fault of a tool, where the live API tells of the first', async () => {
    const bad = tool('list', {
      ...object({
        mode: { enum: ['a', 'b'] },
        pairs: { type: 'array', items: [{ type: 'string' }] },
        inner: { type: 'object', properties: { any: true, of: { $ref: '#/definitions/A' } } },
      }),
      required: ['none'],
    });
    const { stdout } = await run(['check', '-', '--json'], JSON.stringify([bad]));
    const { faults } = JSON.parse(stdout) as { faults: { tool: string; field: string; fix: string }[] };
    expect(faults.map(({ field }) => field.replace('function.parameters.', ''))).toEqual([
      'required',
      'properties.mode',
      'properties.pairs.items',
      'properties.inner.properties',
      'properties.inner.properties.of.$ref',
    ]);
    expect(faults.every(({ tool, fix }) => tool === 'list' && fix.length > 0)).toBe(true);
    expect((await run(['check', file([good, bad])])).stdout).toContain('kimi-k3 would refuse 1 of 2 tools');
  });

  it('counts each tool at fault once, of those of one name too', async () => {
    const { stdout } = await run(['check', file([tool('list', {}), good, tool('list', {})])]);
    expect(stdout).toContain('kimi-k3 would refuse 2 of 3 tools');
  });

  it('does not ask for other characters where a name is only too short or too long', async () => {
    const { stdout } = await run(['check', file([tool('go')]), '--model', 'kimi-k2.6']);
    expect(stdout).toContain('fix  use a name as long as the pattern says\n');
  });

  it('tells once of a schema that is too deep', async () => {
    const deep = Array.from({ length: 40 }).reduce<object>((inner) => object({ in: inner }), { type: 'string' });
    const { stdout } = await run(['check', '-', '--json'], JSON.stringify([tool('deep', deep)]));
    const texts = (JSON.parse(stdout) as { faults: { text: string }[] }).faults.map(({ text }) => text);
    expect(texts).toEqual([expect.stringContaining('schema depth exceeds maximum limit of 30')]);
  });

  it.each(['kimi-k2-0905-preview', 'kimi-k2-0905'])(
    'judges as %s does, of whose schemas nothing is known',
    async (model) => {
      const bad = tool('list', object({ mode: { enum: ['a'] } }));
      expect(await run(['check', file([bad]), '--model', model])).toEqual({
        code: 0,
        stdout: `kimi-k2-0905-preview accepts the tool
the schemas were not checked: what kimi-k2-0905-preview refuses of them is not known
kimi-k2-0905-preview is retired: the live API has not had it since 2026-05-25
`,
        stderr: '',
      });
      expect((await run(['check', file([bad]), '--model', model, '--level', 'strict'])).code).toBe(1);
      expect((await run(['check', file([tool('a b')]), '--model', model])).stdout).toContain(
        'function.name must match',
      );
    },
  );

  it('refuses more than 128 tools', async () => {
    const many = Array.from({ length: 129 }, (_, place) => tool(`tool_${place}`));
    expect((await run(['check', file(many)])).stdout).toContain('a request takes at most 128 tools, these are 129');
    expect((await run(['check', file(many.slice(1))])).code).toBe(0);
  });

  it('lets type stand beside anyOf, as the live API does in tools', async () => {
    const either = tool('f', { type: 'object', anyOf: [{ properties: { a: { type: 'string' } } }] });
    expect((await run(['check', file([either])])).code).toBe(0);
  });

  it('holds tools to another level and to another model where asked', async () => {
    const dated = tool('ab', object({ day: { type: 'string', format: 'date' } }));
    expect((await run(['check', file([dated])])).code).toBe(0);
    expect((await run(['check', file([dated]), '--level', 'ultra'])).stdout).toContain('unsupported keywords: format');
    // Its documents want three characters at least.
    expect((await run(['check', file([dated]), '--model', 'kimi-k2.6'])).stdout).toContain('function.name must match');
  });

  it('reads a chat request, and what an MCP server answers', async () => {
    const listed = { name: 'mcp', inputSchema: object({ a: true }) };
    for (const content of [
      { model: 'm', tools: [good, tool('f', object({ a: true }))] },
      { result: { tools: [good, listed] } },
    ]) {
      expect((await run(['check', file(content)])).stdout).toContain('would refuse 1 of 2 tools');
    }
  });

  it.each<[string, string[], string]>([
    ['a file that is not JSON', ['check', file('{"tools": [}')], 'is not JSON'],
    ['a file without tools', ['check', '-'], 'standard input is not JSON'],
    ['a missing file', ['check', join(folder, 'none.json')], 'cannot read'],
    ['an unknown model', ['check', 'x', '--model', 'gpt-5'], 'unknown model gpt-5; models: kimi-k3.1-pro'],
    ['an unknown level', ['check', 'x', '--level', 'hard'], '--level is one of lite, strict, ultra, not hard'],
    ['no file', ['check'], 'use either FILE or --mcp COMMAND'],
    ['both sources', ['check', 'x', '--mcp', 'y'], 'use either FILE or --mcp COMMAND'],
    ['an empty command', ['check', '--mcp', ' '], 'use either FILE or --mcp COMMAND'],
    ['another action', ['list'], 'use tools check FILE'],
    ['an unknown flag', ['check', 'x', '--modle', 'y'], "unknown flag '--modle'"],
  ])('ends with 2 and one line for %s', async (_, args, complaint) => {
    if (complaint === 'is not JSON') file('{"tools": [}');
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(complaint);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('kimi-emulator tools check --mcp', () => {
  /** A server as others write them: it prints a line of its own first, and gives its tools in two pages. */
  function server(body: string): string {
    const path = join(folder, `server-${body.length}.mjs`);
    writeFileSync(path, `import { createInterface } from 'node:readline';\n${body}`);
    return `"${process.execPath}" "${path}"`;
  }
  const PAGED = `
console.log('listening on stdio');
const answer = (id, result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
let ready = false;
for await (const line of createInterface(process.stdin)) {
  const { id, method, params } = JSON.parse(line);
  if (method === 'initialize') answer(id, { protocolVersion: params.protocolVersion, capabilities: {}, serverInfo: {} });
  if (method === 'notifications/initialized') ready = true;
  if (method === 'tools/list' && ready) {
    const schema = { type: 'object', properties: { a: params.cursor ? true : { type: 'string' } } };
    answer(id, { tools: [{ name: params.cursor ? 'second' : 'first', inputSchema: schema }], ...(!params.cursor && { nextCursor: 'x' }) });
  }
}`;

  it('checks the tools of a server, page by page', async () => {
    const { code, stdout } = await run(['check', '--mcp', server(PAGED)]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^second\n[\s\S]*kimi-k3 would refuse 1 of 2 tools\n$/);
  });

  it('says in one line why a server listed no tools', async () => {
    const ended = await run(['check', '--mcp', server(`console.error('no such token'); process.exit(3);`)]);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(/ended with 3: no such token\n$/);
    const missing = await run(['check', '--mcp', 'no-such-command-anywhere']);
    expect(missing.stderr).toMatch(/ended with 127/);
  });

  it('gives up on a server whose line has no end', async () => {
    const endless = server(`process.stdout.on('error', () => process.exit());
      process.stdin.once('data', () => process.stdout.write('x'.repeat(17 << 20)));`);
    await expect(listMcpTools(endless)).rejects.toThrow('sent a line of more than 16777216 bytes');
  });

  it('gives up on a server that does not answer, and ends it', async () => {
    const silent = server(`process.stdin.resume();`);
    await expect(listMcpTools(silent, 500)).rejects.toThrow('did not answer within 0.5 s');
  });
});
