#!/usr/bin/env bash
# ai 6.0.326 with @ai-sdk/moonshotai 2.0.61 and @ai-sdk/openai-compatible 2.0.92, zod 4.6.7, seen 2026-11-30.
# A stream ends after its text: no finish chunk, no [DONE], the connection closed in order, as a proxy with a time
# limit does it. The generic provider reports an error. The provider for Moonshot reports none: the text is an answer
# like any other, with the finish reason "other".
# Follows: with @ai-sdk/moonshotai, `onError` does not fire for a truncated answer; treat the finish reason "other" as
# a failure before you save or act on the text.
# Output seen:
#   openai-compatible: text "The answer is", finish "error", error "Response stream ended without a finish reason."
#   moonshotai:        text "The answer is", finish "other", error undefined
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  ai@6.0.326 @ai-sdk/moonshotai@2.0.61 @ai-sdk/openai-compatible@2.0.92 zod@4.6.7 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import { createMoonshotAI } from '@ai-sdk/moonshotai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { streamText } from 'ai';
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
    response.end();
  });
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;

frames = [chunk({ role: 'assistant', content: '' }), chunk({ content: 'The answer is' })];
const read = async (model) => {
  let error;
  const onError = (event) => {
    error = event.error.message;
  };
  const result = streamText({ model, prompt: 'x', maxRetries: 0, onError });
  await result.consumeStream();
  const show = JSON.stringify;
  return `text ${show(await result.text)}, finish ${show(await result.finishReason)}, error ${show(error)}`;
};
const generic = await read(createOpenAICompatible({ name: 'kimi', apiKey: 'none', baseURL })('kimi-k2'));
const moonshot = await read(createMoonshotAI({ apiKey: 'none', baseURL })('kimi-k2'));
console.log('openai-compatible:', generic);
console.log('moonshotai:       ', moonshot);
assert.equal(
  generic,
  'text "The answer is", finish "error", error "Response stream ended without a finish reason."',
);
assert.equal(moonshot, 'text "The answer is", finish "other", error undefined');
server.closeAllConnections();
server.close();
JS
node check.mjs
