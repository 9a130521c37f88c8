#!/usr/bin/env bash
# @xsai/stream-text 0.4.4, seen 2026-12-01.
# A stream brings half an answer and then an event with an error, as an overloaded engine sends it. streamText() returns
# a textStream, and four promises beside it: messages, steps, totalUsage, usage. A program that reads textStream alone,
# and catches what it throws, has handled one of five: the others are rejected with the same error and nobody listening,
# and Node ends the process by default.
# Follows: give each of the four a catch before the stream is read, also where it is not wanted.
# Output seen:
#   caught where the stream is read: 1
#   rejected with nobody listening: 4
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund @xsai/stream-text@0.4.4 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import http from 'node:http';
import { streamText } from '@xsai/stream-text';

const choices = [{ index: 0, delta: { role: 'assistant', content: 'Half' }, finish_reason: null }];
const events = [
  { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices },
  { error: { message: 'The engine is currently overloaded, please try again later', type: 'engine_overloaded_error' } },
];
const server = http.createServer((_, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;

const unhandled = [];
process.on('unhandledRejection', (error) => unhandled.push(error));
const caught = [];
const result = streamText({ apiKey: 'none', baseURL, model: 'm', messages: [{ role: 'user', content: 'Hi' }] });
try {
  for await (const _ of result.textStream) continue;
} catch (error) {
  caught.push(error);
}
await new Promise((done) => setTimeout(done, 100));
console.log(`caught where the stream is read: ${caught.length}`);
console.log(`rejected with nobody listening: ${unhandled.length}`);
assert.equal(caught.length, 1);
assert.equal(unhandled.length, 4);
for (const error of unhandled) assert.match(error.message, /overloaded/);
server.closeAllConnections();
server.close();
JS
node check.mjs
