#!/usr/bin/env bash
# @modelcontextprotocol/sdk 1.32.2 with zod 4.6.7 and its zod/v3, seen 2026-11-30.
# A server registers two tools; one takes a `z.date()`. With zod 3 both are listed. With zod 4 registering succeeds,
# calling the other tool succeeds, but `tools/list` fails as a whole: one field takes every tool from the client.
# Follows: an upgrade of zod can leave an agent without tools while direct calls in unit tests stay green. Test
# `listTools()` itself, and take dates as ISO strings.
# Output seen:
#   zod 4: listed MCP error -32603: Date cannot be represented in JSON Schema; call of the other: ok
#   zod 3: listed search,since; call of the other: ok
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
  const client = await connect((server) => {
    server.registerTool('search', { inputSchema: { query: z.string() } }, async () => answer('ok'));
    server.registerTool('since', { inputSchema: { day: z.date() } }, async () => answer('ok'));
  });
  const listed = await client.listTools().then(
    ({ tools }) => tools.map((tool) => tool.name).join(),
    (error) => error.message,
  );
  const called = await client.callTool({ name: 'search', arguments: { query: 'x' } });
  await client.close();
  lines.push(`${version}: listed ${listed}; call of the other: ${called.content[0].text}`);
}
console.log(lines.join('\n'));
assert.deepEqual(lines, [
  'zod 4: listed MCP error -32603: Date cannot be represented in JSON Schema; call of the other: ok',
  'zod 3: listed search,since; call of the other: ok',
]);
JS
node check.mjs
