#!/usr/bin/env bash
# @ax-llm/ax 24.0.21, @genkit-ai/compat-oai 1.42.0 with genkit 1.42.0, @strands-agents/sdk 1.19.0 with
# @modelcontextprotocol/sdk 1.32.2, @langchain/openai 1.5.8 with @langchain/core 1.4.0, openai 6.49.0, zod 4.6.7,
# seen 2026-12-01.
# Of a prompt of 100 tokens 80 were read from the cache. Moonshot says so in usage.cached_tokens, and in newer answers in
# usage.prompt_tokens_details.cached_tokens too. What each client reports of it: none of these reads the first place,
# genkit reads neither, although its usage has a field for it, and ax takes the cached tokens off the prompt in one case
# and not in the other, so that the same request has two sizes.
# Follows: what a cost report says of caching is about the client as much as about the cache. Compare with the usage of
# the raw answer before a cache is called cold.
# Output seen:
#   client     top level          details
#   langchain  in 100 cached -    in 100 cached 80
#   strands    in 100 cached -    in 100 cached 80
#   ax         in 100 cached -    in 20 cached 80
#   genkit     in 100 cached -    in 100 cached -
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund --legacy-peer-deps \
  @ax-llm/ax@24.0.21 @genkit-ai/compat-oai@1.42.0 genkit@1.42.0 @strands-agents/sdk@1.19.0 \
  @modelcontextprotocol/sdk@1.32.2 @langchain/openai@1.5.8 @langchain/core@1.4.0 openai@6.49.0 zod@4.6.7 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import http from 'node:http';
import { ai } from '@ax-llm/ax';
import { openAICompatible } from '@genkit-ai/compat-oai';
import { ChatOpenAI } from '@langchain/openai';
import { Agent } from '@strands-agents/sdk';
import { OpenAIModel } from '@strands-agents/sdk/models/openai';
import { genkit } from 'genkit';

const COUNTS = { prompt_tokens: 100, completion_tokens: 2, total_tokens: 102, cached_tokens: 80 };
const PLACES = { 'top level': COUNTS, details: { ...COUNTS, prompt_tokens_details: { cached_tokens: 80 } } };
let usage = COUNTS;
const server = http.createServer((_, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (choices, more) => {
    const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices, ...more };
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  };
  send([{ index: 0, delta: { role: 'assistant', content: 'Hi' }, finish_reason: null }]);
  send([{ index: 0, delta: {}, finish_reason: 'stop' }]);
  send([], { usage });
  response.end('data: [DONE]\n\n');
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;
const apiKey = 'none';

/** Each client's own count of the prompt, and of what was cached. */
const CLIENTS = {
  async langchain() {
    const model = new ChatOpenAI({ model: 'm', apiKey, maxRetries: 0, configuration: { baseURL } });
    let whole;
    for await (const chunk of await model.stream('Hi')) whole = whole ? whole.concat(chunk) : chunk;
    const { input_tokens, input_token_details } = whole.usage_metadata;
    return [input_tokens, input_token_details?.cache_read];
  },
  async strands() {
    const model = new OpenAIModel({ api: 'chat', modelId: 'm', apiKey, clientConfig: { baseURL, maxRetries: 0 } });
    const { metrics } = await new Agent({ model, printer: false }).invoke('Hi');
    return [metrics.accumulatedUsage.inputTokens, metrics.accumulatedUsage.cacheReadInputTokens];
  },
  async ax() {
    const model = ai({ name: 'openai', apiKey, apiURL: baseURL, config: { model: 'm' } });
    const stream = await model.chat({ chatPrompt: [{ role: 'user', content: 'Hi' }] }, { stream: true });
    let tokens;
    for await (const part of stream) tokens = part.modelUsage?.tokens ?? tokens;
    return [tokens.promptTokens, tokens.cacheReadTokens];
  },
  async genkit() {
    const kit = genkit({ plugins: [openAICompatible({ name: 'own', apiKey, baseURL, maxRetries: 0 })] });
    const { stream, response } = kit.generateStream({ model: 'own/m', prompt: 'Hi' });
    for await (const _ of stream) continue;
    const { inputTokens, cachedContentTokens } = (await response).usage;
    return [inputTokens, cachedContentTokens];
  },
};
const EXPECTED = {
  langchain: [[100, undefined], [100, 80]],
  strands: [[100, undefined], [100, 80]],
  ax: [[100, undefined], [20, 80]],
  genkit: [[100, undefined], [100, undefined]],
};
console.log(['client'.padEnd(9), ...Object.keys(PLACES).map((name) => name.padEnd(17))].join('  ').trimEnd());
for (const [name, count] of Object.entries(CLIENTS)) {
  const found = [];
  for (usage of Object.values(PLACES)) found.push(await count());
  const cells = found.map(([all, cached]) => `in ${all} cached ${cached ?? '-'}`.padEnd(17));
  console.log([name.padEnd(9), ...cells].join('  ').trimEnd());
  assert.deepEqual(found, EXPECTED[name]);
}
process.exit(0);
JS
node check.mjs
