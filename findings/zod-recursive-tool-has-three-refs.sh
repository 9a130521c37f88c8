#!/usr/bin/env bash
# zod 4.6.7 and its zod/v3, ai 6.0.326, @langchain/core 1.4.0, @modelcontextprotocol/sdk 1.32.2, seen 2026-11-30.
# One recursive tool schema (a tree of names), written as JSON Schema by three libraries, each with both versions of
# zod. Three forms of `$ref` result, and one loses the recursion: the AI SDK with zod 3 lets a child be anything.
# Follows: a service that resolves `#/$defs/` only, as Moonshot's validator of tool schemas does, accepts the schema
# from LangChain with zod 4 and refuses four of the others. Test the schema that leaves your process, not the one you
# wrote.
# Output seen:
#   zod 4  ai #/definitions/__schema0  langchain #/$defs/__schema0  mcp #/definitions/__schema0
#   zod 3  ai none  langchain #/properties/root  mcp #/properties/root
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  zod@4.6.7 ai@6.0.326 @langchain/core@1.4.0 @modelcontextprotocol/sdk@1.32.2 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { tool } from '@langchain/core/tools';
import { convertToOpenAITool } from '@langchain/core/utils/function_calling';
import { asSchema, zodSchema } from 'ai';
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

console.warn = () => {};
const refs = (schema) => {
  const found = new Set(Array.from(JSON.stringify(schema).matchAll(/"\$ref":"([^"]+)"/g), (match) => match[1]));
  return [...found].join() || 'none';
};
const lines = [];
for (const [version, z] of [['zod 4', z4], ['zod 3', z3]]) {
  const tree = z.object({ name: z.string(), children: z.lazy(() => z.array(tree)) });
  const schema = z.object({ root: tree });
  const client = await connect((server) => server.registerTool('t', { inputSchema: schema }, async () => answer('ok')));
  const [listed] = (await client.listTools()).tools;
  await client.close();
  const converted = convertToOpenAITool(tool(async () => 'ok', { name: 't', description: 't', schema }));
  lines.push(
    `${version}  ai ${refs(await asSchema(zodSchema(schema)).jsonSchema)}` +
      `  langchain ${refs(converted.function.parameters)}  mcp ${refs(listed.inputSchema)}`,
  );
}
console.log(lines.join('\n'));
assert.deepEqual(lines, [
  'zod 4  ai #/definitions/__schema0  langchain #/$defs/__schema0  mcp #/definitions/__schema0',
  'zod 3  ai none  langchain #/properties/root  mcp #/properties/root',
]);
JS
node check.mjs
