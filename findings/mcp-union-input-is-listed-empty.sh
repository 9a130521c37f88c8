#!/usr/bin/env bash
# @modelcontextprotocol/sdk 1.32.2 with zod 4.6.7 and its zod/v3, seen 2026-11-30.
# A tool registered with a discriminated union as `inputSchema` is listed with no properties at all, by zod 4 and by
# zod 3, and no warning says so (a record is too, seen apart). The call itself is checked against the whole schema:
# arguments that fit the listed schema are refused. With zod 3, one `refine` on an object empties it likewise; with
# zod 4 it does not.
# Follows: the model is given a tool without parameters, calls it with {}, and is refused forever. Wrap a union in an
# object: { command: union } is listed in full.
# Output seen:
#   zod 4 union   {"type":"object","properties":{}}, a call with {} is refused: true
#   zod 4 refine  {"type":"object","properties":{"path":{"type":"string"}}}, a call with {} is refused: true
#   zod 3 union   {"type":"object","properties":{}}, a call with {} is refused: true
#   zod 3 refine  {"type":"object","properties":{}}, a call with {} is refused: true
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  @modelcontextprotocol/sdk@1.32.2 zod@4.6.7 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z4 from 'zod';
import * as z3 from 'zod/v3';
const connect = async (register) => {
  const server = new McpServer({ name: 'server', version: '1.0.0' });
  register(server);
  const [near, far] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: 'client', version: '1.0.0' });
  await Promise.all([server.connect(near), client.connect(far)]);
  return client;
};
const answer = (text) => ({ content: [{ type: 'text', text }] });

const lines = [];
for (const [version, z] of [['zod 4', z4], ['zod 3', z3]]) {
  const read = z.object({ kind: z.literal('read'), path: z.string() });
  const list = z.object({ kind: z.literal('list') });
  const schemas = {
    'union ': z.discriminatedUnion('kind', [read, list]),
    refine: z.object({ path: z.string() }).refine(({ path }) => path !== ''),
  };
  for (const [name, inputSchema] of Object.entries(schemas)) {
    const client = await connect((server) => server.registerTool('file', { inputSchema }, async () => answer('ok')));
    const [{ inputSchema: { type, properties } }] = (await client.listTools()).tools;
    const called = await client.callTool({ name: 'file', arguments: {} }).catch(() => ({ isError: true }));
    await client.close();
    const listed = JSON.stringify({ type, properties });
    lines.push(`${version} ${name}  ${listed}, a call with {} is refused: ${called.isError}`);
  }
}
console.log(lines.join('\n'));
const empty = '{"type":"object","properties":{}}, a call with {} is refused: true';
assert.deepEqual(lines, [
  `zod 4 union   ${empty}`,
  'zod 4 refine  {"type":"object","properties":{"path":{"type":"string"}}}, a call with {} is refused: true',
  `zod 3 union   ${empty}`,
  `zod 3 refine  ${empty}`,
]);
JS
node check.mjs
