import { type ChatMessage, contentText, type Tool } from '../../contract/messages.ts';

/** A number of at most 52 bits that stands for what was hashed. */
export type Fingerprint = number;

const HIGH = 0x1_0000_0000;
const HIGH_MASK = 0xf_ffff;
/** Odd numbers with well mixed bits. */
const FIRST = 0x9e3779b1;
const SECOND = 0x85ebca6b;
/** Between two fields; no UTF-16 unit is as large, so no text can take its place. */
const BORDER = 0x1_0000;

/** Two lanes of 32 bits. Not cryptographic: two messages that share a fingerprint would be billed wrongly, and nothing else. */
class Hash {
  #first = FIRST;
  #second = SECOND;

  text(text: string): void {
    // Fields are slow to reach in a loop over a million units.
    let first = this.#first;
    let second = this.#second;
    for (let place = 0; place < text.length; place += 1) {
      const unit = text.charCodeAt(place);
      first = Math.imul(first ^ unit, FIRST);
      const mixed = Math.imul(second ^ unit, SECOND);
      second = (mixed << 13) | (mixed >>> 19);
    }
    this.#first = Math.imul(first ^ BORDER, FIRST);
    this.#second = Math.imul(second ^ BORDER, SECOND);
  }

  /** What is not there differs from an empty text. */
  optional(text: string | null | undefined): void {
    if (text === undefined || text === null) this.text('\0absent');
    else this.text(text);
  }

  value(): Fingerprint {
    return joined(this.#first, this.#second);
  }
}

/** All of a message that the model reads. Parts of a content count as the text that they are. */
export function fingerprint({ role, name, content, tool_calls, tool_call_id }: ChatMessage): Fingerprint {
  const hash = new Hash();
  hash.text(role);
  hash.optional(name);
  hash.optional(content === null ? null : contentText(content));
  hash.optional(tool_call_id);
  for (const { id, function: call } of tool_calls ?? []) {
    hash.text(id);
    hash.text(call.name);
    hash.text(call.arguments);
  }
  return hash.value();
}

export function fingerprintTools(tools: readonly Tool[]): Fingerprint {
  const hash = new Hash();
  if (tools.length > 0) hash.text(JSON.stringify(tools));
  return hash.value();
}

/** What stands for `before` followed by `next`. */
export function chained(before: Fingerprint, next: Fingerprint): Fingerprint {
  const first = Math.imul(Math.imul(before | 0, FIRST) ^ (next | 0), FIRST);
  const second = Math.imul(Math.imul((before / HIGH) | 0, SECOND) ^ (next / HIGH), SECOND);
  return joined(first, second);
}

function joined(first: number, second: number): Fingerprint {
  const high = stirred(first ^ Math.imul(second, FIRST));
  const low = stirred(second ^ Math.imul(first, SECOND));
  return (high & HIGH_MASK) * HIGH + (low >>> 0);
}

function stirred(lane: number): number {
  const once = Math.imul(lane ^ (lane >>> 16), SECOND);
  const twice = Math.imul(once ^ (once >>> 13), FIRST);
  return twice ^ (twice >>> 16);
}
