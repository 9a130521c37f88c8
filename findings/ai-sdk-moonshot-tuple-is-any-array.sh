#!/usr/bin/env bash
# ai 6.0.326 with @ai-sdk/moonshotai 2.0.61 and zod 4.6.7, checked with ajv 8.17.1, seen 2026-11-30.
# A tool takes a pair of numbers, z.tuple([z.number(), z.number()]). The provider for Moonshot moves the list of items
# into `prefixItems`, a keyword of draft 2020-12, but leaves `$schema` at draft-07 and `additionalItems` beside it. By the
# dialect that it names, such a schema says nothing about its items: a validator that goes by `$schema` lets any two
# values through, and a strict one refuses the schema itself. The generic provider sends what zod wrote, which is sound
# draft-07 and which Moonshot's schema rules refuse ("items must be an object").
# Follows: no tuples in tools for Kimi: z.array(z.number()).length(2), or an object with a name for each place.
# Output seen:
#   sent: $schema draft-07, keywords additionalItems maxItems minItems prefixItems type
#   ["x", true] by draft-07: valid; in strict mode: strict mode: unknown keyword: "prefixItems"
#   ["x", true] by draft 2020-12: invalid
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  ai@6.0.326 @ai-sdk/moonshotai@2.0.61 zod@4.6.7 ajv@8.17.1 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import http from 'node:http';
import { createMoonshotAI } from '@ai-sdk/moonshotai';
import { generateText, tool } from 'ai';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { z } from 'zod';

let sent;
const server = http.createServer(async (request, response) => {
  let body = '';
  for await (const part of request) body += part;
  sent = JSON.parse(body).tools[0].function.parameters;
  response.writeHead(200, { 'content-type': 'application/json' });
  const choices = [{ index: 0, message: { role: 'assistant', content: 'ok' }, finish_reason: 'stop' }];
  response.end(JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'kimi-k3', choices }));
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;
const go = tool({ inputSchema: z.object({ at: z.tuple([z.number(), z.number()]) }) });
await generateText({ model: createMoonshotAI({ apiKey: 'none', baseURL })('kimi-k3'), tools: { go }, prompt: 'x' });
server.closeAllConnections();
server.close();

const { at } = sent.properties;
const keywords = Object.keys(at).sort().join(' ');
console.log(`sent: $schema ${/draft-\d+/.exec(sent.$schema)}, keywords ${keywords}`);
const input = { at: ['x', true] };
const says = (valid) => (valid ? 'valid' : 'invalid');
const draft07 = says(new Ajv({ strict: false }).validate(sent, input));
let strict = 'taken';
try {
  new Ajv().compile(sent);
} catch (error) {
  strict = error.message;
}
console.log(`["x", true] by draft-07: ${draft07}; in strict mode: ${strict}`);
const { $schema, ...unnamed } = sent;
const draft2020 = says(new Ajv2020({ strict: false }).validate(unnamed, input));
console.log(`["x", true] by draft 2020-12: ${draft2020}`);
assert.match(sent.$schema, /draft-07/);
assert.equal(keywords, 'additionalItems maxItems minItems prefixItems type');
assert.equal(draft07, 'valid');
assert.equal(strict, 'strict mode: unknown keyword: "prefixItems"');
assert.equal(draft2020, 'invalid');
JS
node check.mjs
