#!/usr/bin/env bash
# @langchain/openai 1.5.8 with @langchain/core 1.4.0, seen 2026-11-30.
# The usage of one stream arrives in one of three places. On a chunk of its own after the finish chunk (OpenAI's form)
# it is read once. At the top level of the finish chunk, `usage_metadata` is right, but `response_metadata.usage` is
# doubled. Inside `choices[0]` of the finish chunk (Moonshot's form) both are empty.
# Follows: a budget that reads `response_metadata.usage` charges twice or nothing, depending on the server. Read
# `usage_metadata`, and treat its absence as unknown, not as free.
# Output seen:
#   own chunk     total_tokens: 15 in usage_metadata, 15 in response_metadata
#   finish chunk  total_tokens: 15 in usage_metadata, 30 in response_metadata
#   choices[0]    total_tokens: undefined in usage_metadata, undefined in response_metadata
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  @langchain/openai@1.5.8 @langchain/core@1.4.0 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import { ChatOpenAI } from '@langchain/openai';
import http from 'node:http';
const chunk = (delta, finish = null, extra = {}, choice = {}) => ({
  id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'kimi-k2',
  choices: [{ index: 0, delta, finish_reason: finish, ...choice }], ...extra,
});
let frames = [];
const server = http.createServer((request, response) => {
  request.resume().on('end', () => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const frame of frames) response.write(`data: ${JSON.stringify(frame)}\n\n`);
    response.end('data: [DONE]\n\n');
  });
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;

const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
const text = [chunk({ role: 'assistant', content: '' }), chunk({ content: 'Hi' })];
const forms = {
  'own chunk   ': [...text, chunk({}, 'stop'), { ...chunk({}), choices: [], usage }],
  'finish chunk': [...text, chunk({}, 'stop', { usage })],
  'choices[0]  ': [...text, chunk({}, 'stop', {}, { usage })],
};
const seen = [];
for (const [form, sent] of Object.entries(forms)) {
  frames = sent;
  const model = new ChatOpenAI({ apiKey: 'none', model: 'kimi-k2', maxRetries: 0, configuration: { baseURL } });
  let message;
  for await (const part of await model.stream('x')) message = message ? message.concat(part) : part;
  const both = [message.usage_metadata?.total_tokens, message.response_metadata.usage?.total_tokens];
  console.log(`${form}  total_tokens: ${both[0]} in usage_metadata, ${both[1]} in response_metadata`);
  seen.push(both);
}
assert.deepEqual(seen, [
  [15, 15],
  [15, 30],
  [undefined, undefined],
]);
server.closeAllConnections();
server.close();
JS
node check.mjs
