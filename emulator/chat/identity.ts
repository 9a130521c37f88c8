import type { ModelProfile } from '../../contract/models/profile.ts';
import type { Ids } from '../ids.ts';

/** What follows `chatcmpl-` depends on the model. */
export function completionId(ids: Ids, { completionId: { value } }: ModelProfile): string {
  return ids(value === 'uuid' ? 'uuidCompletion' : 'completion');
}

/**
 * The id of a call that a model issues.
 * @param place in its message
 * @param before calls that the history holds already: some models count on, others begin anew with each message
 */
export function callId({ tools }: ModelProfile, name: string, place: number, before: number): string {
  return tools.callIds.value === 'NAME_INDEX' ? `${name}_${place}` : `functions.${name}:${before + place}`;
}

const STRING_OR_SEPARATOR = /"[^"\\]*(?:\\.[^"\\]*)*"|[,:](?!\s)/g;

/** A call's arguments as the model writes them: with a space behind each comma and colon, or as they are. */
export function argumentsText({ tools }: ModelProfile, text: string): string {
  if (!tools.spacedArguments.value || !isJson(text)) return text;
  return text.replace(STRING_OR_SEPARATOR, (found) => (found.length === 1 ? `${found} ` : found));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
