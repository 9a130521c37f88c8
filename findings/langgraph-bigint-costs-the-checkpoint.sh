#!/usr/bin/env bash
# @langchain/langgraph 1.7.3 with @langchain/langgraph-checkpoint 1.2.2 and @langchain/core 1.4.0, seen 2026-12-01.
# One field of the state is a BigInt: money in a small unit, a row id. The run succeeds and returns it. But what the
# checkpointer stores of that step is, instead of the whole checkpoint with every channel, one sentence about a circular
# reference; nothing is circular, and nothing is raised or logged. It is read back as it stands, so that the thread fails
# at the next `getState` or `invoke`, in a later process maybe, with a TypeError about a channel that has no fault.
# Follows: what is lost is the history, not the field. Keep BigInts out of state, metadata and tool artifacts (store them
# as strings), and let a test read the state back, as the first run is green.
# Output seen:
#   paid 10:   returned notes, paid; stored an object with v id ts channel_values channel_versions versions_seen; then state read
#   paid 10n:  returned notes, paid; stored "[unable to serialize, circular reference is too complex to analyze]"; then TypeError
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
nice npm install --prefix "$dir" --silent --ignore-scripts --no-audit --no-fund \
  @langchain/langgraph@1.7.3 @langchain/langgraph-checkpoint@1.2.2 @langchain/core@1.4.0 || exit 2
cat > check.mjs <<'JS'
import assert from 'node:assert/strict';
import { Annotation, MemorySaver, StateGraph } from '@langchain/langgraph';

class Saver extends MemorySaver {
  async put(config, checkpoint, metadata, versions) {
    const [, bytes] = await this.serde.dumpsTyped(checkpoint);
    this.stored = JSON.parse(new TextDecoder().decode(bytes));
    return super.put(config, checkpoint, metadata, versions);
  }
}
const State = Annotation.Root({ notes: Annotation(), paid: Annotation() });
const lines = [];
for (const [title, paid] of [['10: ', 10], ['10n:', 10n]]) {
  const checkpointer = new Saver();
  const graph = new StateGraph(State)
    .addNode('pay', async () => ({ paid }))
    .addEdge('__start__', 'pay')
    .compile({ checkpointer });
  const config = { configurable: { thread_id: 'thread' } };
  const returned = await graph.invoke({ notes: ['a long conversation'] }, config);
  const { stored } = checkpointer;
  const shown = typeof stored === 'string' ? JSON.stringify(stored) : `an object with ${Object.keys(stored).join(' ')}`;
  const then = await graph.getState(config).then(
    ({ values }) => (values.paid === paid ? 'state read' : 'another state'),
    (error) => error.name,
  );
  lines.push(`paid ${title}  returned ${Object.keys(returned).join(', ')}; stored ${shown}; then ${then}`);
}
console.log(lines.join('\n'));
assert.deepEqual(lines, [
  'paid 10:   returned notes, paid; stored an object with v id ts channel_values channel_versions versions_seen; then state read',
  'paid 10n:  returned notes, paid; stored "[unable to serialize, circular reference is too complex to analyze]"; then TypeError',
]);
JS
node check.mjs
