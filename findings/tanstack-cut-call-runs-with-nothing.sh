#!/usr/bin/env bash
# @tanstack/ai 0.58.0 with @tanstack/ai-openai 0.23.1, openai 6.49.0 and zod 4.6.7, seen 2026-12-01.
# An answer ends with finish_reason "length" in the middle of a call's arguments: {"folder": "/srv/da. chat() logs that
# they cannot be parsed, puts {} in their place, and goes on as if the model had asked for that: a tool whose schema is
# zod refuses where the field is required, one whose schema is plain JSON Schema is run with an empty object although it
# requires the field, and one whose field is optional is run for whatever it does without it. The history that goes back
# has the call with {}.
# Follows: give tools a zod schema without optional fields whose absence means "all", and check them in the tool itself.
# Output seen:
#   optional field, zod: ran with {}, sent back {}
#   required field, zod: not run, sent back {}
#   required field, JSON Schema: ran with {}, sent back {}
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  @tanstack/ai@0.58.0 @tanstack/ai-openai@0.23.1 openai@6.49.0 zod@4.6.7 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import http from 'node:http';
import { chat, toolDefinition } from '@tanstack/ai';
import { openaiCompatibleText } from '@tanstack/ai-openai/compatible';
import * as z from 'zod';

const call = { index: 0, id: 'clean:0', type: 'function', function: { name: 'clean', arguments: '{"folder": "/srv/da' } };
const answers = [
  [{ role: 'assistant', tool_calls: [call] }, 'length'],
  [{ role: 'assistant', content: 'Done.' }, 'stop'],
];
let requests = [];
const server = http.createServer(async (request, response) => {
  let body = '';
  for await (const part of request) body += part;
  const [delta, last] = answers[requests.push(JSON.parse(body)) - 1];
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (given, finish_reason) => {
    const choices = [{ index: 0, delta: given, finish_reason }];
    response.write(`data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices })}\n\n`);
  };
  send(delta, null);
  send({}, last);
  response.end('data: [DONE]\n\n');
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;

async function run(name, inputSchema) {
  requests = [];
  const ran = [];
  const definition = toolDefinition({ name: 'clean', description: 'Cleans a folder.', inputSchema });
  const clean = definition.server(async (given) => String(ran.push(given)));
  const adapter = openaiCompatibleText('m', { baseURL, apiKey: 'none', maxRetries: 0 });
  const messages = [{ role: 'user', content: 'Clean up.' }];
  for await (const _ of chat({ adapter, messages, tools: [clean], debug: false })) continue;
  const sent = requests[1].messages[1].tool_calls[0].function.arguments;
  console.log(`${name}: ${ran.length ? `ran with ${JSON.stringify(ran[0])}` : 'not run'}, sent back ${sent}`);
  return [ran, sent];
}
const plain = { type: 'object', properties: { folder: { type: 'string' } }, required: ['folder'] };
assert.deepEqual(await run('optional field, zod', z.object({ folder: z.string().optional() })), [[{}], '{}']);
assert.deepEqual(await run('required field, zod', z.object({ folder: z.string() })), [[], '{}']);
assert.deepEqual(await run('required field, JSON Schema', plain), [[{}], '{}']);
server.closeAllConnections();
server.close();
JS
node check.mjs
