import { onlyK3, rulesOf } from '../rule.ts';

const { kimi, ours } = rulesOf('kimi-wire');
const { ours: ourSessions } = rulesOf('session');

/**
 * What kimi-k3 and kimi-k3.1-pro do: each assertion of the official Kimi Vendor Verifier (3dad65a, 2026-08-13: parameters, features of
 * K3, prompt tokens, schemas of tool calls), streamed and not, and what recorded live answers show (vercel/ai, 2026-08-24 to 27;
 * the Halro gateway's author, 2026-09-01). Tests that the verifier itself skips are left out.
 */
export const K3_RULES = {
  'k3.sampling': onlyK3(kimi('Sampling is fixed: the very values are accepted, any other is refused.')),
  'k3.sampling-text': onlyK3(
    kimi('The refusal of a sampling value names the field and the only value that is allowed.'),
  ),
  'k3.thinking': onlyK3(kimi('It thinks by default, and not with `thinking.type` `disabled`.')),
  'k3.thinking-fields': onlyK3(
    kimi(
      '`thinking` takes `type`, `keep: "all"` and `effort`; `reasoning_effort` is taken too, and unknown fields are ignored.',
    ),
  ),
  'k3.effort-tokens': onlyK3(
    kimi(
      'The effort is told in the prompt: 67 tokens for `max`, the default, and 68 for `low` and `high`; `thinking.effort` wins.',
    ),
  ),
  'k3.budget': onlyK3(
    kimi('Reasoning spends the budget of the answer: a small one ends in reasoning, with finish_reason `length`.'),
  ),
  'k3.usage': onlyK3(kimi('`completion_tokens` includes the reasoning, which `reasoning_tokens` counts.')),
  'k3.completion-tokens': onlyK3(kimi('An answer of one token costs its reasoning plus 17 tokens.')),
  'k3.stream-order': onlyK3(
    kimi(
      'A stream has the role, the reasoning, one empty piece of reasoning, the content, then the finish chunk with the usage.',
    ),
  ),
  'k3.id-form': onlyK3(kimi('The id of an answer is `chatcmpl-` and a UUID; there is no `system_fingerprint`.')),
  'k3.tool-choice': onlyK3(kimi('`tool_choice` is auto, none or required, which needs tools; others are refused.')),
  'k3.tool-choice-named': onlyK3(kimi('A named `tool_choice` is refused while the model thinks.')),
  'k3.tool-choice-tokens': onlyK3(
    kimi('`tool_choice` is told in the prompt: 36 tokens for `required`, 38 for `none`.'),
  ),
  'k3.tools': onlyK3(kimi('A tool has a type, a function and a name that is a word of at most 256 characters.')),
  'k3.tools-root': onlyK3(kimi('The parameters of a function are of type `object`, and the refusal says so.')),
  'k3.tools-twice': onlyK3(kimi('Two functions of one name are refused, and the name is told.')),
  'k3.schemas': onlyK3(
    kimi('A schema outside of the Moonshot flavored JSON schema is refused with its path and the reason.'),
  ),
  'k3.call-ids': onlyK3(kimi('The id of a call is `NAME_INDEX`, with INDEX from 0.')),
  'k3.arguments': onlyK3(
    kimi('The arguments of a call are valid for the schema of its function, nested or with references.'),
  ),
  'k3.arguments-spaced': onlyK3(kimi.should('Arguments have one space behind each comma and colon.')),
  'k3.dynamic-tools': onlyK3(
    kimi('A system message may bring tools, alone and well formed; others may not, and no name comes twice.'),
  ),
  'k3.dynamic-called': onlyK3(kimi('A tool that a system message brings can be called.')),
  'k3.response-format': onlyK3(kimi('A response format is well formed, or refused.')),
  'k3.response-format-schema': onlyK3(
    kimi('A schema of an answer outside of the Moonshot flavored JSON schema is refused with its path and the reason.'),
  ),
  'k3.response-format-tokens': onlyK3(kimi('`json_object` is told in the prompt: 47 tokens.')),
  'k3.cache-options': onlyK3(kimi('`prompt_cache_options` takes the mode `implicit` and a `ttl` of `5m` or `1h`.')),
  'k3.json': onlyK3(
    kimi('With `json_schema` the content is valid for the schema, as compact JSON without line feeds.'),
  ),
  'k3.history': onlyK3(kimi('A call without its reasoning is accepted back: K3 does not ask for it.')),
  'k3.estimate': onlyK3(ours('An estimate is of a chat that thinks.')),
  'k3.turns': onlyK3(
    ourSessions(
      'A turn in a session thinks, counts and calls as a chat does, and takes and refuses the same fields in the same words.',
    ),
  ),
  'k3.reasoning-stored': onlyK3(
    ours(
      '`reasoning_content` and pictures of a message, and the tools of a system message, are stored and come back as written.',
    ),
  ),
} as const;
