#!/usr/bin/env bash
# @langchain/openai 1.5.8 with @langchain/core 1.4.0, seen 2026-11-30.
# `invoke` of a ChatOpenAI with `streaming: true` fetches the merge table of GPT-2 from tiktoken.pages.dev, to
# estimate the usage, even where the stream states its usage. A model name that LangChain does not know, as any of
# Kimi's, stands for GPT-2; and js-tiktoken, which is installed and holds that table, is not asked. Neither `invoke`
# without `streaming` nor `stream` does it. Where that host answered 404, one `invoke` asked it 14 times and took 192 s
# (seen apart). Here every host but loopback is replaced by an answer that holds a table of single bytes.
# Follows: a test against a local server takes minutes without a network, and calls a foreign host with one. Use
# `stream` and join the chunks.
# Output seen:
#   invoke, streaming: true   fetched https://tiktoken.pages.dev/js/gpt2.json, usage 15
#   invoke                    fetched nothing, usage 15
#   stream                    fetched nothing, usage 15
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  @langchain/openai@1.5.8 @langchain/core@1.4.0 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import http from 'node:http';
const chunk = (delta, finish = null, extra = {}, choice = {}) => ({
  id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'kimi-k2',
  choices: [{ index: 0, delta, finish_reason: finish, ...choice }], ...extra,
});
let frames = [];
const server = http.createServer((request, response) => {
  let body = '';
  request.on('data', (part) => { body += part; }).on('end', () => {
    if (!JSON.parse(body).stream) {
      const choices = [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }];
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ ...chunk({}), object: 'chat.completion', choices, usage }));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const frame of frames) response.write(`data: ${JSON.stringify(frame)}\n\n`);
    response.end('data: [DONE]\n\n');
  });
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;

const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
frames = [
  chunk({ role: 'assistant', content: '' }),
  chunk({ content: 'Hi' }),
  chunk({}, 'stop'),
  { ...chunk({}), choices: [], usage },
];
const loopback = globalThis.fetch;
const fetched = [];
const bytes = Array.from({ length: 256 }, (_, byte) => Buffer.from([byte]).toString('base64')).join(' ');
globalThis.fetch = async (address, options) => {
  const url = String(address.url ?? address);
  if (url.startsWith(baseURL)) return loopback(address, options);
  fetched.push(url);
  return Response.json({ pat_str: '[^]+', special_tokens: {}, bpe_ranks: `! 0 ${bytes}` });
};
const { ChatOpenAI } = await import('@langchain/openai');
const model = (options) =>
  new ChatOpenAI({ apiKey: 'none', model: 'kimi-k2', maxRetries: 0, configuration: { baseURL }, ...options });
const ways = {
  'invoke, streaming: true': () => model({ streaming: true }).invoke('x'),
  invoke: () => model({}).invoke('x'),
  stream: async () => {
    let joined;
    for await (const part of await model({}).stream('x')) joined = joined ? joined.concat(part) : part;
    return joined;
  },
};
const lines = [];
for (const [way, call] of Object.entries(ways)) {
  const message = await call();
  const urls = fetched.splice(0).join() || 'nothing';
  lines.push(`${way.padEnd(25)} fetched ${urls}, usage ${message.usage_metadata.total_tokens}`);
}
console.log(lines.join('\n'));
assert.deepEqual(lines, [
  'invoke, streaming: true   fetched https://tiktoken.pages.dev/js/gpt2.json, usage 15',
  'invoke                    fetched nothing, usage 15',
  'stream                    fetched nothing, usage 15',
]);
server.closeAllConnections();
server.close();
JS
node check.mjs
