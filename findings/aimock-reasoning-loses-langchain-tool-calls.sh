#!/usr/bin/env bash
# @copilotkit/aimock 1.43.0 with @langchain/openai 1.5.8 and @langchain/core 1.4.0, seen 2026-11-30.
# A fixture has `reasoning` and `toolCalls`. aimock streams the reasoning before the chunk that carries the role;
# LangChain types a chunk without a role as a generic ChatMessageChunk, and what is joined to it stays one: no
# `tool_calls`, no `reasoning_content`. The same fixture without streaming gives both.
# Follows: an agent tested with this pair ends its loop at once in streaming mode, though the tool call was sent and
# the agent is right. In a fixture or server of your own, name the role in the first delta, whatever it carries.
# Output seen:
#   streamed: generic, tool calls undefined, reasoning undefined
#   whole:    ai, tool calls 1, reasoning "because"
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  @copilotkit/aimock@1.43.0 @langchain/openai@1.5.8 @langchain/core@1.4.0 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import { LLMock } from '@copilotkit/aimock';
import { ChatOpenAI } from '@langchain/openai';
const mock = new LLMock({ port: 0 });
mock.onMessage('weather', { reasoning: 'because', toolCalls: [{ name: 'weather', arguments: { city: 'Bern' } }] });
await mock.start();
const parameters = { type: 'object', properties: { city: { type: 'string' } } };
const model = new ChatOpenAI({
  apiKey: 'none', model: 'kimi-k2', maxRetries: 0, configuration: { baseURL: `${mock.url}/v1` },
}).bindTools([{ type: 'function', function: { name: 'weather', parameters } }]);
const show = (message) =>
  `${message.getType()}, tool calls ${message.tool_calls?.length}, ` +
  `reasoning ${JSON.stringify(message.additional_kwargs.reasoning_content)}`;
let joined;
for await (const part of await model.stream('weather')) joined = joined ? joined.concat(part) : part;
const streamed = show(joined);
const whole = show(await model.invoke('weather'));
await mock.stop();
console.log('streamed:', streamed);
console.log('whole:   ', whole);
assert.equal(streamed, 'generic, tool calls undefined, reasoning undefined');
assert.equal(whole, 'ai, tool calls 1, reasoning "because"');
JS
node check.mjs
