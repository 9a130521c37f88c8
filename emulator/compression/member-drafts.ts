import { factKey } from './drafts.ts';
import { jsonMembers } from './json-members.ts';
import { oneLine, quote } from './quote.ts';
import type { Draft } from './unit.ts';

/** A member of a JSON text as a piece of its own, or a longer text that stands in it. */
export type MemberPiece =
  | { readonly draft: Draft; readonly record: number; readonly identity: string; readonly names: boolean }
  | { readonly text: string };

const KEY_CHARS = 80;
/** Members that say which thing their record describes. */
const NAMES_RECORD = /(?:^|[._])(?:id|uuid|key|name|number|code|sku|path|file|url)$|[a-z]I[dD]$/;
const EMPTY = new Set(['', 'null', 'undefined']);

/**
 * The members of a JSON text, as `key: value`. `source` names where it came from (a call and its arguments): where no member names its
 * record, a later text of the same source speaks of the same things.
 */
export function* memberPieces(text: string, source: string): Generator<MemberPiece> {
  let record = -1;
  let identity = '';
  for (const member of jsonMembers(text)) {
    if (member.kind !== 'member') {
      yield { text: member.value };
      continue;
    }
    if (member.record !== record) {
      record = member.record;
      identity = source;
    }
    const name = oneLine(member.key).slice(0, KEY_CHARS);
    const names = identity === source && NAMES_RECORD.test(name);
    if (names) identity = `${name}=${member.value}`;
    yield { draft: memberDraft(name, member.value, identity), record, identity, names };
  }
}

function memberDraft(name: string, value: string, identity: string): Draft {
  const plain = factKey(name);
  const fact = { key: identity === '' ? plain : `${identity}\n${plain}`, plain, value };
  return {
    section: 'facts',
    text: quote(`${name}: ${value}`),
    weight: EMPTY.has(value) ? 0.3 : 1,
    facts: [fact],
    joint: '; ',
    log: false,
  };
}
