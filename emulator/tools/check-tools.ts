import { LIVE_TEXT } from '../../contract/errors.ts';
import type { ModelProfile } from '../../contract/models/profile.ts';
import { checkWholeParameters, type SchemaLevel } from '../engines/mfjs/check-schema.ts';
import { ADVICE } from '../engines/mfjs/faults.ts';

/** Tools of one request, by the documents; as a limit it is `tools`. */
const MOST_TOOLS = 128;
/** What the patterns of all models ask for, but for the length. */
const WORD = /^[a-zA-Z_][a-zA-Z0-9_-]*$/;
const WORD_ADVICE = 'begin with a letter or _, and use letters, digits, _ and - only';
const KINDS: ReadonlySet<unknown> = new Set(['function', 'builtin_function']);

/** Why the live API would refuse a request with this tool. */
export interface ToolFault {
  /** Its place in the list, from 0. */
  index: number;
  /** Its name, or its place in the list, such as `tools[3]`. */
  tool: string;
  /** The part that is at fault, such as `function.parameters.properties.a`. */
  field: string;
  /** The live API's text where that is known; otherwise one of ours. */
  text: string;
  /** How to write it instead. */
  fix: string;
}

interface ToolCheckOptions {
  profile: ModelProfile;
  /** Null where schemas are not checked. */
  level: SchemaLevel | null;
}

/**
 * Checks tools as a model's live API does, and tells of all that it would refuse, where the live API tells of the first.
 * @example
 * checkTools([{ type: 'function', function: { name: 'f', parameters: {} } }], { profile: KIMI_K3, level: 'strict' });
 * // [{ index: 0, tool: 'f', field: 'function.parameters.type', text: 'tools.function.parameters.type is required …', fix: … }]
 */
export function checkTools(tools: readonly unknown[], options: ToolCheckOptions): ToolFault[] {
  const faults = tools.flatMap((tool, place) => checkTool(tool, place, options));
  const names = tools.map((tool) => memberOf(memberOf(tool, 'function'), 'name'));
  for (const [place, name] of names.entries()) {
    if (typeof name !== 'string' || names.indexOf(name) === place) continue;
    const text = LIVE_TEXT.functionNameDuplicated(name);
    faults.push({ index: place, tool: name, field: 'function.name', text, fix: 'give each tool a name of its own' });
  }
  if (tools.length > MOST_TOOLS) {
    const text = `a request takes at most ${MOST_TOOLS} tools, these are ${tools.length}`;
    const fix = 'send fewer tools with each request';
    faults.push({ index: MOST_TOOLS, tool: `tools[${MOST_TOOLS}]`, field: 'tools', text, fix });
  }
  return faults;
}

function checkTool(tool: unknown, index: number, { profile, level }: ToolCheckOptions): ToolFault[] {
  const declared = memberOf(tool, 'function');
  const name = memberOf(declared, 'name');
  const label = typeof name === 'string' && name !== '' ? name : `tools[${index}]`;
  const fault = (field: string, text: string, fix: string): ToolFault => ({ index, tool: label, field, text, fix });
  const type = memberOf(tool, 'type');
  if (!KINDS.has(type)) return [fault('type', 'type must be function or builtin_function', 'add "type": "function"')];
  if (!isRecord(declared))
    return [fault('function', 'function is required', 'put name and parameters into "function"')];
  const faults: ToolFault[] = [];
  if (typeof name !== 'string') faults.push(fault('function.name', 'function.name is required', 'give it a name'));
  else if (type === 'function' && !new RegExp(profile.tools.namePattern.value).test(name)) {
    const text = `function.name must match ${profile.tools.namePattern.value}`;
    faults.push(fault('function.name', text, WORD.test(name) ? 'use a name as long as the pattern says' : WORD_ADVICE));
  } else if (type === 'builtin_function' && !profile.tools.builtins.value.includes(name)) {
    const text = `the built-in functions are ${profile.tools.builtins.value.join(', ')}`;
    faults.push(fault('function.name', text, 'name one of these, or make it a function of your own'));
  }
  for (const found of type === 'function' && level !== null ? checkWholeParameters(declared, level) : []) {
    if ('root' in found) {
      const fix = 'write "type": "object" at the root, with the arguments as its properties';
      faults.push(fault('function.parameters.type', LIVE_TEXT.parametersNotObject, fix));
      continue;
    }
    const { path, rule, text } = found;
    const place = path === 'root' ? 'function.parameters' : `function.parameters.${path}`;
    faults.push(fault(place, LIVE_TEXT.schemaRefused('tools.function.parameters', path, text), ADVICE[rule]));
  }
  return faults;
}

function memberOf(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
