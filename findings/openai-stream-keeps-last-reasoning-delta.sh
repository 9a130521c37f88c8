#!/usr/bin/env bash
# openai 7.59.0, seen 2026-11-30.
# A stream sends `reasoning_content` in two deltas, "think " and "more", as Kimi's thinking models do. The final
# message of `chat.completions.stream()` joins `content`, but keeps of `reasoning_content` only the last delta:
# "more". Where the server ends the reasoning with an empty delta, nothing is left: "".
# Follows: an agent that sends `finalMessage()` back as history sends a fragment of the reasoning, or none, and no
# error says so. Join the deltas of the raw chunks instead.
# Output seen:
#   last delta "more": {"reasoning_content":"more","content":"Hello"}
#   last delta "":     {"reasoning_content":"","content":"Hello"}
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  openai@7.59.0 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import OpenAI from 'openai';
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

const client = new OpenAI({ apiKey: 'none', baseURL, maxRetries: 0 });
const final = async (...ends) => {
  frames = [
    chunk({ role: 'assistant', content: '' }),
    ...['think ', 'more', ...ends].map((text) => chunk({ reasoning_content: text })),
    chunk({ content: 'Hel' }),
    chunk({ content: 'lo' }),
    chunk({}, 'stop'),
  ];
  const stream = client.chat.completions.stream({ model: 'kimi-k2', messages: [{ role: 'user', content: 'x' }] });
  const { reasoning_content, content } = await stream.finalMessage();
  return { reasoning_content, content };
};
const text = await final();
const ended = await final('');
console.log('last delta "more":', JSON.stringify(text));
console.log('last delta "":    ', JSON.stringify(ended));
assert.deepEqual(text, { reasoning_content: 'more', content: 'Hello' });
assert.deepEqual(ended, { reasoning_content: '', content: 'Hello' });
server.closeAllConnections();
server.close();
JS
node check.mjs
