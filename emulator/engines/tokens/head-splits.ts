import { DIGIT, HAN, LETTER, LOWER, NEWLINE, PUNCTUATION, SPACE, TRAILING, UPPER } from './character-flags.ts';
import { APOSTROPHE, characterBytes, SPACE_BYTE, type Splitter } from './splitter.ts';

/** What the open piece is so far; what may follow depends on it. */
type Kind =
  | 'none'
  | 'han'
  | 'digits'
  | 'sign'
  | 'signs'
  | 'trailing'
  | 'space'
  | 'upper'
  | 'lower'
  | 'quote'
  | 'letter';

/**
 * The pieces of every head of a text, character by character: what `Splitter` would find if the text ended there, in constant
 * time a character. Of any head all but at most two pieces are pieces of every longer head too; those two, or one, are open:
 * `[start, border)` and `[border, at)`, of which one may be empty.
 */
export class HeadSplits {
  readonly #splitter: Splitter;
  readonly #bytes: Uint8Array;
  readonly #onPiece: (start: number, end: number) => void;
  #kind: Kind = 'none';
  #at: number;
  #start: number;
  #border: number;
  #digits = 0;
  /** Where the last of the white space begins. */
  #lastSpace = 0;
  /** The letter after an apostrophe, in lower case: the contraction may go on. */
  #letter = 0;

  /** @param onPiece is told of each piece once it cannot change any more, in order */
  constructor(splitter: Splitter, bytes: Uint8Array, at: number, onPiece: (start: number, end: number) => void) {
    this.#splitter = splitter;
    this.#bytes = bytes;
    this.#at = at;
    this.#start = at;
    this.#border = at;
    this.#onPiece = onPiece;
  }

  get at(): number {
    return this.#at;
  }

  get start(): number {
    return this.#start;
  }

  get border(): number {
    return this.#border;
  }

  /** Takes in the next character. */
  step(): void {
    const flags = this.#splitter.flagsAt(this.#bytes, this.#at);
    const next = this.#at + characterBytes(this.#bytes[this.#at] as number);
    if (!this.#goesOn(flags, next)) {
      this.#close(this.#at);
      this.#open(flags, next);
    }
    this.#at = next;
  }

  /** Whether the character belongs to the open piece or pieces, which then take it in. */
  #goesOn(flags: number, next: number): boolean {
    switch (this.#kind) {
      case 'none':
        return false;
      case 'han':
        return (flags & HAN) !== 0;
      case 'digits':
        return (flags & DIGIT) !== 0 && ++this.#digits <= 3;
      case 'trailing':
        return (flags & TRAILING) !== 0;
      case 'sign':
        if (flags & LETTER) return this.#toWord(flags, next);
        return this.#toSigns(flags);
      case 'signs':
        return this.#toSigns(flags);
      case 'space':
        return this.#afterSpace(flags, next);
      case 'upper':
        if (flags & UPPER) this.#border = flags & LOWER ? next : this.#border;
        else if (flags & LOWER) this.#toWord(flags, next);
        else {
          // What ended with the last letter of lower case is a word; capitals after it are another.
          if (this.#border < this.#at) this.#closeFirst(this.#border);
          return this.#toQuote();
        }
        return true;
      case 'lower':
        return (flags & LOWER) !== 0 || this.#toQuote();
      case 'quote':
        return this.#afterQuote(flags, next);
      case 'letter':
        return this.#afterLetter(flags, next);
    }
  }

  #open(flags: number, next: number): void {
    if (flags & HAN) this.#kind = 'han';
    else if (flags & DIGIT) this.#kind = 'digits';
    else if (flags & LETTER) this.#toWord(flags, next);
    else if (flags & SPACE) this.#toSpace(flags, next);
    else this.#kind = 'sign';
    this.#digits = 1;
  }

  #toWord(flags: number, next: number): true {
    this.#kind = flags & UPPER ? 'upper' : 'lower';
    this.#border = flags & UPPER && flags & LOWER ? next : this.#start;
    return true;
  }

  #toSigns(flags: number): boolean {
    this.#kind = flags & PUNCTUATION ? 'signs' : 'trailing';
    return (flags & (PUNCTUATION | TRAILING)) !== 0;
  }

  #toSpace(flags: number, next: number): true {
    this.#kind = 'space';
    this.#lastSpace = this.#at;
    if (flags & NEWLINE) this.#border = next;
    return true;
  }

  #toQuote(): boolean {
    if (this.#bytes[this.#at] !== APOSTROPHE) return false;
    this.#kind = 'quote';
    this.#border = this.#at;
    return true;
  }

  /** Of white space before text, the last character may belong to the text. */
  #afterSpace(flags: number, next: number): boolean {
    if (flags & SPACE) return this.#toSpace(flags, next);
    this.#closeFirst(this.#border);
    if (this.#start === this.#at) return false;
    this.#closeFirst(this.#lastSpace);
    if (flags & LETTER) return this.#toWord(flags, next);
    return this.#bytes[this.#start] === SPACE_BYTE && (flags & PUNCTUATION) !== 0 && this.#toSigns(flags);
  }

  #afterQuote(flags: number, next: number): boolean {
    const lead = this.#bytes[this.#at] as number;
    this.#letter = lead | 0x20;
    const isLongS = lead === 0xc5 && this.#bytes[this.#at + 1] === 0xbf;
    if (isLongS || 'stmd'.includes(String.fromCharCode(this.#letter))) return this.#endContraction(next);
    if ('rvl'.includes(String.fromCharCode(this.#letter))) {
      this.#kind = 'letter';
      return true;
    }
    this.#closeFirst(this.#border);
    this.#kind = 'sign';
    return this.#goesOn(flags, next);
  }

  #afterLetter(flags: number, next: number): boolean {
    const byte = (this.#bytes[this.#at] as number) | 0x20;
    if (byte === (this.#letter === 0x6c ? 0x6c : 0x65)) return this.#endContraction(next);
    this.#closeFirst(this.#border);
    this.#kind = ((this.#bytes[this.#at - 1] as number) & 0x20) === 0 ? 'upper' : 'lower';
    return this.#goesOn(flags, next);
  }

  #endContraction(next: number): true {
    this.#closeFirst(next);
    this.#kind = 'none';
    return true;
  }

  /** Closes the piece up to `end` and leaves open what follows. */
  #closeFirst(end: number): void {
    if (end > this.#start) this.#onPiece(this.#start, end);
    this.#start = end;
    this.#border = end;
  }

  #close(end: number): void {
    if (this.#border > this.#start && this.#border < end) this.#closeFirst(this.#border);
    this.#closeFirst(end);
  }
}
