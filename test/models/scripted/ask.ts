import type { ModelDelta, ModelRequest } from '../../../emulator/models/model.ts';
import { ScriptedModel, type ScriptRule, scriptOf } from '../../../emulator/models/scripted.ts';
import { saying } from '../../support/held-model.ts';

/** A model with these rules, in front of one that says `next`. */
export function scripted(rules: readonly ScriptRule[], options: { strict?: boolean } = {}): ScriptedModel {
  const model = new ScriptedModel(saying('next'));
  model.load({ ...scriptOf(rules), ...options });
  return model;
}

export async function deltasOf(model: ScriptedModel, request: ModelRequest): Promise<ModelDelta[]> {
  const deltas: ModelDelta[] = [];
  for await (const delta of model.complete(request)) deltas.push(delta);
  return deltas;
}

/** The text of an answer; a call shows as `name(arguments)`. */
export async function answer(model: ScriptedModel, request: ModelRequest): Promise<string> {
  const deltas = await deltasOf(model, request);
  return deltas
    .map((delta) => (delta.type === 'tool_call' ? `${delta.name}(${delta.arguments})` : delta.text))
    .join('');
}
