#!/usr/bin/env bash
# @langchain/langgraph 1.7.3 with @langchain/core 1.4.0 and langchain 1.5.14, zod 4.6.7, seen 2026-12-01.
# Kimi numbers its tool calls within one answer: read_0 in the first, read_0 again in the second. ToolNode takes a call
# for done if any tool message of the whole history has its id, and leaves it out without a word: the tool does not run,
# nothing is appended, the graph goes on. `createReactAgent` and a graph of your own with `toolsCondition` have it so;
# `createAgent` of langchain, with a ToolNode of its own, runs both calls.
# Follows: on an API whose call ids are unique within a message only, each tool runs once in a conversation, and the next
# request is refused for the call without a result. Use `createAgent`, or give each call an id of its own before it enters
# the state. Test with a fixture that uses the same id twice: uuids in fixtures hide it.
# Output seen:
#   ids call_a call_b  createReactAgent reads one two  StateGraph reads one two  createAgent reads one two
#   ids read_0 read_0  createReactAgent reads one      StateGraph reads one      createAgent reads one two
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  @langchain/langgraph@1.7.3 @langchain/core@1.4.0 langchain@1.5.14 zod@4.6.7 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessage, HumanMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { MessagesAnnotation, StateGraph } from '@langchain/langgraph';
import { createReactAgent, ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt';
import { createAgent } from 'langchain';
import { z } from 'zod';

const call = (id, path) => new AIMessage({ content: '', tool_calls: [{ id, name: 'read', args: { path } }] });
class Model extends BaseChatModel {
  constructor(answers) {
    super({});
    this.answers = answers;
  }
  _llmType() {
    return 'answers';
  }
  bindTools() {
    return this;
  }
  async _generate() {
    return { generations: [{ text: '', message: this.answers.shift() }] };
  }
}
const lines = [];
for (const ids of [['call_a', 'call_b'], ['read_0', 'read_0']]) {
  const paths = ['one', 'two'];
  const builders = {
    createReactAgent: (llm, tools) => createReactAgent({ llm, tools }),
    StateGraph: (llm, tools) =>
      new StateGraph(MessagesAnnotation)
        .addNode('model', async ({ messages }) => ({ messages: [await llm.invoke(messages)] }))
        .addNode('tools', new ToolNode(tools))
        .addEdge('__start__', 'model')
        .addConditionalEdges('model', toolsCondition)
        .addEdge('tools', 'model')
        .compile(),
    createAgent: (model, tools) => createAgent({ model, tools }),
  };
  let line = `ids ${ids.join(' ')}`;
  for (const [name, build] of Object.entries(builders)) {
    const ran = [];
    const read = async ({ path }) => {
      ran.push(path);
      return 'text';
    };
    const tools = [tool(read, { name: 'read', description: 'Reads a file.', schema: z.object({ path: z.string() }) })];
    const answers = [...ids.map((id, place) => call(id, paths[place])), new AIMessage('done')];
    const { messages } = await build(new Model(answers), tools).invoke(
      { messages: [new HumanMessage('Read one, then two.')] },
      { recursionLimit: 10 },
    );
    assert.equal(messages.at(-1).content, 'done');
    line += `  ${name} reads ${ran.join(' ').padEnd(name === 'createAgent' ? 0 : 7)}`;
  }
  lines.push(line);
}
console.log(lines.join('\n'));
assert.deepEqual(lines, [
  'ids call_a call_b  createReactAgent reads one two  StateGraph reads one two  createAgent reads one two',
  'ids read_0 read_0  createReactAgent reads one      StateGraph reads one      createAgent reads one two',
]);
JS
node check.mjs
