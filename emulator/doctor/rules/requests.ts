import { LIVE_TEXT } from '../../../contract/errors.ts';
import { KIMI_K3 } from '../../../contract/models/kimi-k3.ts';
import type { ModelProfile } from '../../../contract/models/profile.ts';
import { findProfile, retiredSince } from '../../../contract/models/profiles.ts';
import { checkSchema } from '../../engines/mfjs/check-schema.ts';
import { ADVICE } from '../../engines/mfjs/faults.ts';
import type { JournalEntry } from '../../journal/entries.ts';
import { checkTools, type ToolFault } from '../../tools/check-tools.ts';
import { bad, fine, fineAll, inOrder, type Rule, some, tokens } from '../finding.ts';
import { Pending, type Run, repeatsOf } from '../run.ts';

/** Codes that other rules report. */
const SPOKEN_OF = [
  'append_too_large',
  'context_window_exceeded',
  'tool_call_unanswered',
  'tool_call_id_not_found',
  'tool_results_missing',
  'tool_result_orphan',
  'session_limit_reached',
];
/** Codes of 409 that pass once another request has ended. */
const PASSING: readonly string[] = ['session_busy', 'request_in_progress'];
const CLIENT_ERRORS = [400, 401, 403, 404, 409];

export const maxTokens: Rule = {
  name: 'max-tokens',
  target: 'everywhere',
  judge(run: Run) {
    const beyond = run.entries.filter((entry) => run.asksTooMuch(entry));
    if (beyond.length > 0) {
      const most = Math.max(...beyond.map(({ max_tokens }) => max_tokens ?? 0));
      return bad(
        'error',
        `${some(beyond.length, 'request')} refused: the answer may take up to ${tokens(most)}, which the window does not hold with its prompt`,
        'ask for as much as an answer takes; max_completion_tokens is cut to what is left of the window, max_tokens is not',
        beyond,
      );
    }
    const turns = run.entries.filter(({ facts }) => facts.turn !== undefined);
    const bare = turns.filter(({ facts }) => facts.turn?.max_tokens === null);
    if (bare.length === 0) return fineAll(turns.length, 'turn', ', all with max_tokens');
    const cut = bare.filter(({ facts }) => facts.turn?.finish_reasons.includes('length')).length;
    const cutOff = cut > 0 ? `; ${cut} of their answers were cut off` : '';
    const defaults = [...new Set(bare.map((turn) => run.defaultAnswerOf(turn).toLocaleString('en-US')))];
    const says = `${bare.length} of ${some(turns.length, 'turn')} without max_tokens: the default is ${defaults.join(' or ')}${cutOff}`;
    return bad(
      'warning',
      says,
      'set max_tokens: the token rate limit is charged with it, and an answer that is cut off is billed too',
      bare,
    );
  },
};

export const reasoningBudget: Rule = {
  name: 'reasoning-budget',
  target: 'everywhere',
  judge({ entries }: Run) {
    const turns = entries.filter(({ facts }) => facts.turn !== undefined);
    const eaten = turns.filter(({ facts }) => facts.turn?.only_reasoned);
    if (eaten.length === 0) return fineAll(turns.length, 'turn', ', none ended within its reasoning');
    return bad(
      'error',
      `${some(eaten.length, 'answer')} without content: the reasoning used up max_tokens (finish_reason length), and is billed`,
      'give the answer more max_completion_tokens, which counts the reasoning too, or let the model think less (a lower effort, thinking disabled); treat finish_reason length as no answer',
      eaten,
    );
  },
};

export const leakedSessions: Rule = {
  name: 'leaked-sessions',
  target: 'sessions',
  judge(run: Run) {
    const refused = run.refused('session_limit_reached');
    const most = run.limits.sessions;
    const fix = 'call DELETE /v1/sessions/{id} in a finally block; snapshots of a deleted session remain';
    const sessions = new Pending();
    let created = 0;
    for (const entry of run.entries) {
      const { created: begun, deleted } = entry.facts;
      if (begun) sessions.begin(begun.session, entry);
      if (begun) created += 1;
      if (deleted?.session !== undefined) sessions.end(deleted.session);
    }
    const { left } = sessions;
    if (refused.length + left.length === 0) return fineAll(created, 'session', ' created, all deleted');
    const before = left.filter((entry) => run.isBeforeReset(entry)).length;
    const reset = before > 0 ? ` (${before} of them removed by a reset, which no real server does)` : '';
    const leaked = `${left.length} of ${some(created, 'session')} created and never deleted${reset}`;
    if (refused.length === 0) return bad('warning', `${leaked}; an account can have ${most}`, fix, left);
    const says = `${some(refused.length, 'request')} refused: the account had all ${most} sessions in use; ${leaked}`;
    return bad('error', says, fix, inOrder(refused, left));
  },
};

export const refusals: Rule = {
  name: 'refusals',
  target: 'everywhere',
  judge(run: Run) {
    const passed = new Set(repeatsOf(run, passes, () => 0).flatMap(({ refused, again }) => (again ? [refused] : [])));
    const refused = run.entries.filter(
      (entry) => CLIENT_ERRORS.includes(entry.status) && !SPOKEN_OF.includes(entry.code ?? '') && !passed.has(entry),
    );
    if (refused.length === 0) return fine('no other request was refused');
    const counts = new Map<string, number>();
    for (const { code, status } of refused)
      counts.set(code ?? String(status), (counts.get(code ?? String(status)) ?? 0) + 1);
    const list = [...counts].map(([code, count]) => `${code} (${count})`).join(', ');
    const first = refused.find(({ hint }) => hint !== undefined);
    const fix = first ? `hint of #${first.n}: ${first.hint}` : 'read the error of each answer';
    return bad('warning', `${some(refused.length, 'request')} refused: ${list}`, fix, refused);
  },
};

function passes({ code }: JournalEntry): boolean {
  return code !== undefined && PASSING.includes(code);
}

/**
 * Fields of today's API that a request may carry [Kimi API documentation, 2026-08 to 2026-11; kimi-code 0.38.0;
 * Kimi-Vendor-Verifier 3dad65a]. Where this emulator does nothing with one, the request is right all the same.
 */
const LIVE_FIELDS: ReadonlySet<string> = new Set([
  'frequency_penalty',
  'logprobs',
  'max_completion_tokens',
  'max_tokens',
  'messages',
  'model',
  'n',
  'parallel_tool_calls',
  'prediction',
  'presence_penalty',
  'prompt_cache_key',
  'prompt_cache_options',
  'reasoning_effort',
  'response_format',
  'safety_identifier',
  'stop',
  'stream',
  'stream_options',
  'temperature',
  'thinking',
  'tool_choice',
  'tools',
  'top_logprobs',
  'top_p',
  'prediction.content',
  'prediction.type',
  'prompt_cache_options.mode',
  'prompt_cache_options.ttl',
  'response_format.json_schema.description',
  'response_format.json_schema.strict',
  'stream_options.include_usage',
  'thinking.effort',
  'thinking.keep',
  'thinking.type',
  'messages[].content',
  'messages[].name',
  'messages[].partial',
  'messages[].reasoning_content',
  'messages[].tool_calls',
  'messages[].tool_calls[].extras',
  'messages[].tool_calls[].index',
  'messages[].tools',
]);

export const ignoredFields: Rule = {
  name: 'ignored-fields',
  target: 'everywhere',
  judge({ entries }: Run) {
    const sent = entries.flatMap((entry) =>
      (entry.ignored?.split(', ') ?? []).map((name) => ({ entry, name, known: LIVE_FIELDS.has(kindOf(name)) })),
    );
    const unknown = sent.filter(({ known }) => !known);
    if (unknown.length === 0) {
      const names = [...new Set(sent.map(({ name }) => kindOf(name)))];
      return fine(
        names.length === 0
          ? 'no unknown field was sent'
          : `no unknown field was sent; ${names.join(', ')}: known to the live API, without effect here`,
      );
    }
    const requests = [...new Set(unknown.map(({ entry }) => entry))];
    const names = [...new Set(unknown.map(({ name }) => name))];
    const says = `${some(requests.length, 'request')} with unknown fields, which do nothing: ${names.slice(0, 8).join(', ')}`;
    return bad('warning', says, 'check whether each is misspelt or belongs to another API', requests);
  },
};

const kindOf = (name: string): string => name.replaceAll(/\[\d+\]/g, '[]');

export const retiredModels: Rule = {
  name: 'retired-models',
  target: 'everywhere',
  judge({ entries }: Run) {
    const since = ({ model }: JournalEntry) => (model === undefined ? undefined : retiredSince(model));
    const retired = entries.filter((entry) => since(entry) !== undefined);
    if (retired.length === 0) return fine('no model was asked for that is retired');
    const names = new Map(retired.map((entry) => [entry.model, since(entry)]));
    const list = [...names].map(([name, day]) => `${name} (since ${day})`).join(', ');
    const says = `${some(retired.length, 'request')} for a model that the live API no longer has: ${list}`;
    const fix = `name a model that is live, such as ${KIMI_K3.id}; the weights of a retired one may still be served elsewhere`;
    return bad('error', says, fix, retired);
  },
};

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
        `${some(new Set(found.map(({ fault }) => fault.tool)).size, 'tool or schema', 'tools or schemas')} that the live API refuses`,
        first.fault.fix,
        [...new Set(found.map(({ entry }) => entry))],
      ),
      details: lines,
    };
  },
};

type SchemaFault = Omit<ToolFault, 'index'>;

/** Models whose own checks are not known are judged as the newest. */
function faultsIn({ declared, model }: JournalEntry): SchemaFault[] {
  if (declared === undefined) return [];
  const profile: ModelProfile = (model === undefined ? undefined : findProfile(model)) ?? KIMI_K3;
  const level = profile.tools.schemas.value ?? 'strict';
  const { tools = [], response_format: format } = declared;
  return [...checkTools(tools, { profile, level }), ...faultsInFormat(format, level)];
}

function faultsInFormat(format: unknown, level: 'lite' | 'strict' | 'ultra'): SchemaFault[] {
  const { json_schema: wanted } = (format ?? {}) as { json_schema?: { schema?: unknown; strict?: unknown } };
  if (typeof wanted?.schema !== 'object' || wanted.schema === null || wanted.strict === false) return [];
  const fault = checkSchema(wanted.schema, { level });
  if (!fault) return [];
  const field = fault.path === 'root' ? 'json_schema.schema' : `json_schema.schema.${fault.path}`;
  const text = LIVE_TEXT.schemaRefused('response_format.json_schema', fault.path, fault.text);
  return [{ tool: 'response_format', field, text, fix: ADVICE[fault.rule] }];
}
