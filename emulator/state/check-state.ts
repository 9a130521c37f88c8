import type { Limits } from '../../contract/limits.ts';
import { contentText } from '../../contract/messages.ts';
import { MODEL_NAMES } from '../../contract/model-names.ts';
import { Histories } from './histories.ts';
import { type PortableState, type PortableWindow, parseState } from './schema.ts';
import { StateError } from './state-error.ts';

/** A state that can be taken in as it is. */
export interface CheckedState {
  state: PortableState;
  histories: Histories;
}

/**
 * Everything about a state file that can be wrong in itself. The hash tells damage; this tells what nobody has exported.
 * Work in slices.
 * @throws StateError naming what is wrong
 */
export function* checkState(value: unknown, tokenizer: string, limits: Limits): Generator<void, CheckedState> {
  requireShallow(value, limits);
  const state = yield* parseState(value, limits);
  if (state.tokenizer !== tokenizer) {
    throw new StateError(
      `the file's tokens were counted with ${state.tokenizer}, and this emulator counts with ${tokenizer} (see --tokenizer)`,
    );
  }
  const histories = yield* Histories.read(state);
  requireContent(state);
  requireUnique(state);
  const toolsOf = (toolset: number | null): number => {
    if (toolset === null) return 0;
    const found = state.toolsets[toolset];
    if (!found) throw new StateError(`there is no toolset number ${toolset}`);
    return found.tokens;
  };
  const check = (owner: string, toolset: number | null, windows: readonly PortableWindow[]): void => {
    try {
      for (const window of windows) {
        histories.check(window);
        requireWithin('window_tokens', window.tokens + toolsOf(toolset), limits);
      }
    } catch (error) {
      throw error instanceof StateError ? new StateError(`${owner}: ${error.message}`) : error;
    }
  };
  for (const { id, model } of [...state.sessions, ...state.snapshots]) {
    if (!MODEL_NAMES.includes(model)) throw new StateError(`${id}: the model ${model} is not known here`);
  }
  for (const { id, toolset, window } of state.sessions) {
    check(id, toolset, [window]);
    yield;
  }
  for (const { id, toolset, archived, restored } of state.snapshots) {
    check(id, toolset, [archived, restored]);
    yield;
  }
  return { state, histories };
}

/** @throws StateError naming the limit */
export function requireWithin(limit: 'window_tokens' | 'sessions' | 'snapshots', count: number, limits: Limits): void {
  if (count > limits[limit]) throw new StateError(`${count} is more than ${limits[limit]} (${limit}; see --limit)`);
}

/** Tools alone may hold anything. In a request they are nested one level less. */
function requireShallow(value: unknown, { json_depth }: Limits): void {
  let level: unknown[] = isObject(value) && 'toolsets' in value ? [value.toolsets] : [];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > json_depth + 1) {
      throw new StateError(`tools are nested deeper than ${json_depth} levels (json_depth; see --limit)`);
    }
    level = level.filter(isObject).flatMap((item) => Object.values(item));
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function requireContent({ messages }: PortableState): void {
  const empty = messages.find(
    ({ body }) => !('tool_calls' in body && body.tool_calls) && contentText(body.content) === '',
  );
  if (empty) throw new StateError(`${empty.id} is empty`);
}

function requireUnique({ sessions, snapshots }: PortableState): void {
  const seen = new Set<string>();
  const shares = snapshots.flatMap(({ share }) => (share ? [share.share_id] : []));
  for (const id of [...sessions.map((row) => row.id), ...snapshots.map((row) => row.id), ...shares]) {
    if (seen.has(id)) throw new StateError(`the file holds ${id} twice`);
    seen.add(id);
  }
}
