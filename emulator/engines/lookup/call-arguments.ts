import { fillSchema } from '../json-schema/fill.ts';
import type { Hint } from '../json-schema/hints.ts';
import { isObject } from '../json-schema/resolve.ts';
import { hintsFrom, namesIn, valuesOf } from './context-hints.ts';
import { contextOf, whole } from './documents.ts';
import { LooseValues } from './loose-values.ts';
import type { Pace } from './pace.ts';
import type { Question } from './question.ts';
import type { LookupRequest } from './request.ts';
import { type ChosenTool, mentionsOf } from './tool-choice.ts';
import { wordsOfName } from './words.ts';

/** The arguments of a call as JSON text, valid under the tool's parameters: from the request first, then from the context. */
export async function callArguments(
  request: LookupRequest,
  question: Question,
  chosen: ChosenTool,
  pace: Pace,
): Promise<string> {
  const schema = chosen.tool?.function.parameters;
  if (schema === undefined) return '{}';
  const names = namesIn(schema);
  const asking = whole(question.whole, true);
  const values = await valuesOf(names, [asking, ...contextOf(request, question)], pace);
  const [mention] = mentionsOf(question.order, chosen.tool === undefined ? [] : [chosen.tool]);
  const afterName = mention === undefined ? 0 : mention.at + chosen.name.length;
  const order = question.order.toLowerCase();
  const loose = new LooseValues(question.order, afterName);
  const hints = hintsFrom(values, {
    valuesFor: (path) => spokenValues(question.order.slice(afterName), path.at(-1) ?? ''),
    mentions: (member) => mentions(order, member),
    takeLoose: (fits) => loose.take(fits),
  });
  const { value } = fillSchema({ type: 'object', ...schema }, hints);
  return JSON.stringify(isObject(value) ? value : {});
}

const SPOKEN_VALUE =
  '(?:\\s+(?:is|of|to|as|set to|being))?\\s+(?:"([^"\\n]{1,300})"|\'([^\'\\n]{1,300})\'|([^\\s,;"\']{1,80}))';
const NO_VALUE = /^(?:and|or|with|for|in|of|to|the|a|an|is|as|from|by|on|at|please)$/i;

/** What stands right behind a property's name: `amount 50`, `subject "Hello"`. */
function spokenValues(text: string, name: string): Hint[] {
  const spoken = wordsOfName(name)
    .map((word) => word.spelling.replace(/[^\p{L}\p{N}]/gu, ''))
    .join('[-_ ]?');
  if (spoken === '' || spoken.length > 100) return [];
  const match = new RegExp(`(?<![\\p{L}\\p{N}_])${spoken}${SPOKEN_VALUE}`, 'iu').exec(text);
  const bare = match?.[3]?.replace(/[.!?]+$/, '');
  const quoted = match?.[1] ?? match?.[2];
  if (quoted !== undefined) return [{ text: quoted, quoted: true }];
  return bare === undefined || bare === '' || NO_VALUE.test(bare) ? [] : [{ text: bare, quoted: false }];
}

/** `text` in lowercase. */
function mentions(text: string, member: string): boolean {
  if (member === '' || member.length > 100) return false;
  const lower = member.toLowerCase();
  const found = [lower, lower.replaceAll('_', ' ')].map((form) => text.indexOf(form)).find((at) => at >= 0);
  if (found === undefined) return false;
  const around = `${text[found - 1] ?? ' '}${text[found + member.length] ?? ' '}`;
  return !/\w/.test(around) || /\p{Script=Han}/u.test(member);
}
