#!/usr/bin/env bash
# msw 2.15.0, seen 2026-12-01.
# A program reads one chunk of a streamed answer and aborts the request, as a stop button does. From a server on
# loopback the next read fails with an AbortError and the server sees the connection go. From a handler of msw the abort
# has no effect once the headers are there: every chunk arrives, the stream ends in order, and the handler's own stream
# is not cancelled. A request that msw passes through behaves as without msw. msw 3.0.5, which needs Node 22, ends the
# handler's stream as a server's (seen apart).
# Follows: a test of "stop" on such a handler is green for code that swallows the abort, and red for code that is right
# and waits for the AbortError. In the handler, error the stream when `request.signal` aborts; that signal does fire.
# Output seen:
#   server on loopback    fewer of 20 chunks, AbortError, sender stopped true
#   passed through by msw fewer of 20 chunks, AbortError, sender stopped true
#   handler of msw        20 of 20 chunks, end, sender stopped false
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  msw@2.15.0 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import http from 'node:http';
import { HttpResponse, http as mock, passthrough } from 'msw';
import { setupServer } from 'msw/node';

const total = 20;
let stopped;
/** Sends a chunk whenever the reader has room for one, or every 5 ms; and notes who ended it. */
const server = http.createServer((request, response) => {
  let sent = 0;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const timer = setInterval(() => {
    sent += 1;
    response.write('data: x\n\n');
    if (sent === total) response.end();
  }, 5);
  response.on('close', () => {
    clearInterval(timer);
    stopped.resolve(!response.writableFinished);
  });
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const port = server.address().port;
const stream = () => {
  let sent = 0;
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      sent += 1;
      controller.enqueue(new TextEncoder().encode('data: x\n\n'));
      if (sent < total) return;
      controller.close();
      stopped.resolve(false);
    },
    cancel: () => stopped.resolve(true),
  });
};
const read = async (url) => {
  stopped = {};
  stopped.promise = new Promise((resolve) => (stopped.resolve = resolve));
  const controller = new AbortController();
  const response = await fetch(url, { method: 'POST', body: '{}', signal: controller.signal });
  let text = '';
  let end = 'end';
  try {
    for await (const part of response.body) {
      text += new TextDecoder().decode(part);
      controller.abort();
    }
  } catch (error) {
    end = error.name;
  }
  const chunks = text.split('\n\n').length - 1;
  return `${chunks === total ? chunks : 'fewer'} of ${total} chunks, ${end}, sender stopped ${await stopped.promise}`;
};
const lines = [`server on loopback    ${await read(`http://127.0.0.1:${port}/`)}`];
const mocked = setupServer(
  mock.post(`http://127.0.0.1:${port}/`, () => passthrough()),
  mock.post('http://llm.test/', () => new HttpResponse(stream(), { headers: { 'content-type': 'text/event-stream' } })),
);
mocked.listen();
lines.push(`passed through by msw ${await read(`http://127.0.0.1:${port}/`)}`);
lines.push(`handler of msw        ${await read('http://llm.test/')}`);
mocked.close();
server.closeAllConnections();
server.close();
console.log(lines.join('\n'));
assert.deepEqual(lines, [
  'server on loopback    fewer of 20 chunks, AbortError, sender stopped true',
  'passed through by msw fewer of 20 chunks, AbortError, sender stopped true',
  'handler of msw        20 of 20 chunks, end, sender stopped false',
]);
JS
node check.mjs
