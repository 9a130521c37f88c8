import { LIVE_TEXT } from '../../../contract/errors.ts';
import { KIMI_K3 } from '../../../contract/models/kimi-k3.ts';
import type { ModelProfile } from '../../../contract/models/profile.ts';
import { findProfile } from '../../../contract/models/profiles.ts';
import { checkSchema } from '../../engines/mfjs/check-schema.ts';
import { ADVICE } from '../../engines/mfjs/faults.ts';
import type { JournalEntry } from '../../journal/entries.ts';
import { checkTools, type ToolFault } from '../../tools/check-tools.ts';
import { bad, fine, type Rule, some } from '../finding.ts';
import type { Run } from '../run.ts';

export const retiredModels: Rule = {
  name: 'retired-models',
  target: 'everywhere',
  judge({ entries }: Run) {
    const retired = entries.filter((entry) => retiredSince(entry) !== undefined);
    if (retired.length === 0) return fine('no model was asked for that is retired');
    const names = new Map(retired.map((entry) => [entry.model, retiredSince(entry)]));
    const list = [...names].map(([name, since]) => `${name} (since ${since})`).join(', ');
    const says = `${some(retired.length, 'request')} for a model that the live API no longer has: ${list}`;
    const fix = `name a model that is live, such as ${KIMI_K3.id}; the weights of a retired one may still be served elsewhere`;
    return bad('error', says, fix, retired);
  },
};

function retiredSince({ model }: JournalEntry): string | undefined {
  return (model === undefined ? undefined : findProfile(model)?.retired.value) ?? undefined;
}

export const schemas: Rule = {
  name: 'schemas',
  target: 'everywhere',
  judge({ entries }: Run) {
    const found = entries.flatMap((entry) => faultsIn(entry).map((fault) => ({ entry, fault })));
    const [first] = found;
    if (first === undefined) return fine('the live API takes every tool and schema that was sent');
    const lines = [...new Set(found.map(({ fault }) => `${fault.tool}: ${fault.field}: ${fault.text}`))];
    return {
      ...bad(
        'error',
        `${some(lines.length, 'tool or schema', 'tools or schemas')} that the live API refuses`,
        first.fault.fix,
        [...new Set(found.map(({ entry }) => entry))],
      ),
      details: lines,
    };
  },
};

/** Models whose own checks are not known are judged as the newest. */
function faultsIn({ declared, model }: JournalEntry): ToolFault[] {
  if (declared === undefined) return [];
  const profile: ModelProfile = (model === undefined ? undefined : findProfile(model)) ?? KIMI_K3;
  const level = profile.tools.schemas.value ?? 'strict';
  const { tools = [], response_format: format } = declared;
  return [...checkTools(tools, { profile, level }), ...faultsInFormat(format, level)];
}

function faultsInFormat(format: unknown, level: 'lite' | 'strict' | 'ultra'): ToolFault[] {
  const { json_schema: wanted } = (format ?? {}) as { json_schema?: { schema?: unknown; name?: unknown } };
  if (typeof wanted?.schema !== 'object' || wanted.schema === null) return [];
  const fault = checkSchema(wanted.schema, { level });
  if (!fault) return [];
  const field = fault.path === 'root' ? 'json_schema.schema' : `json_schema.schema.${fault.path}`;
  const text = LIVE_TEXT.schemaRefused('response_format.json_schema', fault.path, fault.text);
  return [{ tool: 'response_format', field, text, fix: ADVICE[fault.rule] }];
}
