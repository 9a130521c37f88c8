#!/usr/bin/env bash
# openai 7.59.0, @langchain/openai 1.5.8 with @langchain/core 1.4.0, and ai 6.0.326 with @ai-sdk/moonshotai 2.0.61 and
# zod 4.6.7, seen 2026-12-01.
# Between two chunks the server keeps the connection alive with a named event that has no data, `event: ping`. By the
# rules of event streams nothing is dispatched for it, and the AI SDK sees nothing. The OpenAI SDK parses the empty data as
# JSON, and the stream ends there with a SyntaxError about JSON that nobody sent; so does LangChain, which is built on it.
# With `data: {}` the OpenAI SDK hands the event out as a chunk without choices, and the AI SDK reports a chunk that does
# not validate.
# Follows: of the ways to keep a stream alive only a comment (`: ping`) passes every client. Behind a proxy that sends named
# events, strip them before the SDK, in a `fetch` of your own.
# Output seen:
#   : ping                 openai Hello  langchain Hello  ai Hello
#   event: ping            openai Hel, SyntaxError  langchain Hel, SyntaxError  ai Hello
#   event: ping, data: {}  openai Hel[no choices]lo  langchain Hello  ai Hello, AI_TypeValidationError
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  openai@7.59.0 @langchain/openai@1.5.8 @langchain/core@1.4.0 ai@6.0.326 @ai-sdk/moonshotai@2.0.61 zod@4.6.7 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import http from 'node:http';
import { createMoonshotAI } from '@ai-sdk/moonshotai';
import { ChatOpenAI } from '@langchain/openai';
import { streamText } from 'ai';
import OpenAI from 'openai';

const chunk = (delta, finish_reason = null) => {
  const choices = [{ index: 0, delta, finish_reason }];
  return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'kimi-k3', choices })}\n\n`;
};
let between;
const server = http.createServer((request, response) => {
  request.resume();
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const parts = [chunk({ content: 'Hel' }), between, chunk({ content: 'lo' }), chunk({}, 'stop'), 'data: [DONE]\n\n'];
  response.end(parts.join(''));
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;
const settings = { apiKey: 'none', maxRetries: 0 };
console.error = () => {};

/** The text up to the error, and the error's name. */
async function joined(open, text) {
  let all = '';
  try {
    for await (const part of await open()) all += text(part);
  } catch (error) {
    all += `, ${error.name}`;
  }
  return all;
}
const clients = {
  openai: () =>
    joined(
      () =>
        new OpenAI({ ...settings, baseURL }).chat.completions.create({
          model: 'kimi-k3', stream: true, messages: [{ role: 'user', content: 'x' }],
        }),
      ({ choices }) => (choices ? (choices[0].delta.content ?? '') : '[no choices]'),
    ),
  langchain: () =>
    joined(
      () => new ChatOpenAI({ ...settings, model: 'kimi-k3', configuration: { baseURL } }).stream('x'),
      ({ content }) => content,
    ),
  ai: async () => {
    let said = '';
    const onError = ({ error }) => {
      said = `, ${error.name}`;
    };
    const model = createMoonshotAI({ apiKey: 'none', baseURL })('kimi-k3');
    const result = streamText({ model, prompt: 'x', maxRetries: 0, onError });
    await result.consumeStream();
    return (await result.text) + said;
  },
};
const lines = [];
for (const [title, sent] of [
  [': ping', ': ping\n\n'],
  ['event: ping', 'event: ping\n\n'],
  ['event: ping, data: {}', 'event: ping\ndata: {}\n\n'],
]) {
  between = sent;
  const ends = [];
  for (const [name, read] of Object.entries(clients)) ends.push(`${name} ${await read()}`);
  lines.push(`${title.padEnd(21)}  ${ends.join('  ')}`);
}
server.closeAllConnections();
server.close();
console.log(lines.join('\n'));
assert.deepEqual(lines, [
  ': ping                 openai Hello  langchain Hello  ai Hello',
  'event: ping            openai Hel, SyntaxError  langchain Hel, SyntaxError  ai Hello',
  'event: ping, data: {}  openai Hel[no choices]lo  langchain Hello  ai Hello, AI_TypeValidationError',
]);
JS
node check.mjs
