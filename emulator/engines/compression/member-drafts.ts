import { jsonMembers } from './json-members.ts';
import { factKey } from './news.ts';
import { oneLine, quote } from './quote.ts';
import type { Draft } from './unit.ts';

/** A member of a JSON text as a piece of its own, or a longer text that stands in it. */
export type MemberPiece = Member | { readonly text: string };

interface Member {
  readonly draft: Draft;
  readonly record: number;
  /** Equal for members of the same thing; undefined where that cannot be known. */
  readonly scope: string | undefined;
  /** It says which thing its record describes. */
  readonly names: boolean;
}

const KEY_CHARS = 80;
/** Members that say which thing their record describes. */
const NAMES_RECORD = /(?:^|[._])(?:id|uuid|key|name|number|code|sku|path|file|url)$|[a-z]I[dD]$/;
const EMPTY = new Set(['', 'null', 'undefined']);
/** A flag or a small number: says something only together with its name. */
const TRIVIAL = /^(?:true|false|yes|no|\d{1,2})$/i;

/**
 * The members of a JSON text, as `key: value`; undefined is a pause. `source` names where it came from (a call and its
 * arguments): where no member names its record, a later text of the same source speaks of the same things.
 */
export function* memberPieces(text: string, source: string): Generator<MemberPiece | undefined> {
  let record = -1;
  let scope: string | undefined;
  let named = false;
  for (const member of jsonMembers(text)) {
    if (member?.kind !== 'member') {
      yield member && { text: member.value };
      continue;
    }
    if (member.record !== record) {
      record = member.record;
      named = false;
      scope = source === '' ? (record <= 1 ? '' : undefined) : `${source} ${record}`;
    }
    const name = oneLine(member.key).slice(0, KEY_CHARS);
    const names: boolean = !named && NAMES_RECORD.test(name);
    if (names) scope = `${name}=${member.value}`;
    named ||= names;
    const draft = memberDraft(name, member.value, scope);
    if (draft.text !== '') yield { draft, record, scope, names };
  }
}

function memberDraft(name: string, value: string, scope: string | undefined): Draft {
  const plain = factKey(name);
  const fact = { key: scope === '' ? plain : `${scope}\n${plain}`, plain, value };
  return {
    section: 'facts',
    text: quote(name === '' ? value : `${name}: ${value}`),
    weight: 1,
    facts: scope === undefined || name === '' ? [] : [fact],
    news: newsOf(value),
    asks: false,
    joint: '; ',
    log: false,
  };
}

function newsOf(value: string): number {
  if (EMPTY.has(value)) return 0;
  return TRIVIAL.test(value) ? 0.6 : 1;
}
