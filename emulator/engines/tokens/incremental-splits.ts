import {
  APOSTROPHE,
  characterBytes,
  contractionEnd,
  DIGIT,
  HAN,
  LETTER,
  LOWER,
  NEWLINE,
  PUNCTUATION,
  SPACE,
  SPACE_BYTE,
  type Splitter,
  TRAILING,
  UPPER,
} from './splitter.ts';

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
 * The pieces of every prefix of a text, character by character: what `Splitter` would find if the text ended there, in constant
 * time a character. Of any prefix all but at most two pieces are pieces of every longer prefix too; those two, or one, are open:
 * `[start, border)` and `[border, at)`, of which one may be empty.
 */
export class PrefixSplits {
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

  /** @param onPiece called for each piece, in order, once it cannot change any more */
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

const NO_END = -2;

/**
 * The first piece of every suffix of a text, character by character from the end: what `Splitter.pieceEnd` says of each, in
 * constant time a character. Each field is about the suffix that begins at `#at`; an empty run ends where it begins.
 */
export class SuffixSplits {
  readonly #splitter: Splitter;
  readonly #bytes: Uint8Array;
  readonly #textEnd: number;
  #at: number;
  #flags = 0;
  #han: number;
  #upper: number;
  #lower: number;
  #trailing: number;
  #signs: number;
  #space: number;
  #lastSpace = -1;
  #afterNewline = -1;
  /** After the last LOWER in the run of UPPER. */
  #lastLower = -1;
  /** The end of the run of LOWER that follows the run of UPPER without being part of it. */
  #lowerAfterUpper = -1;
  /** The end of a word whose letters begin here, contraction included. */
  #word = -1;

  /** @param at where to begin: the end of the text, or where no piece can go across */
  constructor(splitter: Splitter, bytes: Uint8Array, at: number, textEnd: number) {
    this.#splitter = splitter;
    this.#bytes = bytes;
    this.#textEnd = textEnd;
    this.#at = at;
    this.#han = this.#upper = this.#lower = this.#trailing = this.#signs = this.#space = at;
  }

  /** Goes back to the character that begins at `start` and ends where the last one began; returns its piece's end. */
  pieceEndAt(start: number): number {
    const nextFlags = this.#flags;
    const nextWord = this.#word;
    const nextSigns = this.#signs;
    const flags = this.#splitter.flagsAt(this.#bytes, start);
    this.#extend(start, flags);
    if (flags & HAN) return this.#han;
    if (flags & DIGIT) return this.#splitter.pieceEnd(this.#bytes, start, this.#textEnd);
    if (flags & LETTER) return this.#word;
    if (flags & NEWLINE) return this.#spaceEnd(start);
    if (nextFlags & LETTER) return nextWord;
    if (flags & PUNCTUATION) return this.#signs;
    const spaceThenSign = this.#bytes[start] === SPACE_BYTE && (nextFlags & PUNCTUATION) !== 0;
    return spaceThenSign ? nextSigns : this.#spaceEnd(start);
  }

  /** Where any piece must end that holds the last character and something before it; -1 where there are several ends. */
  get soleEnd(): number {
    const flags = this.#flags;
    let end = NO_END;
    if (flags & DIGIT) return -1;
    if (flags & HAN) end = this.#han;
    if (flags & UPPER) end = sameEnd(end, this.#word);
    if (flags & LOWER) end = sameEnd(end, contractionEnd(this.#bytes, this.#lower, this.#textEnd));
    if (flags & PUNCTUATION) end = sameEnd(end, this.#signs);
    if (flags & TRAILING) end = sameEnd(end, this.#trailing);
    if (flags & SPACE) end = sameEnd(end, this.#spaceEnd(this.#at));
    return end;
  }

  #extend(start: number, flags: number): void {
    const next = this.#at;
    this.#at = start;
    this.#flags = flags;
    this.#han = flags & HAN ? this.#han : start;
    this.#trailing = flags & TRAILING ? this.#trailing : start;
    this.#signs = flags & PUNCTUATION ? this.#signs : this.#trailing;
    this.#extendSpace(start, next, flags);
    this.#lower = flags & LOWER ? this.#lower : start;
    if (flags & UPPER) {
      if (this.#lastLower === -1 && flags & LOWER) this.#lastLower = next;
    } else {
      this.#upper = start;
      this.#lastLower = -1;
      this.#lowerAfterUpper = flags & LOWER ? this.#lower : -1;
    }
    this.#word = flags & LETTER ? contractionEnd(this.#bytes, this.#lettersEnd(), this.#textEnd) : -1;
  }

  #extendSpace(start: number, next: number, flags: number): void {
    if (flags & SPACE) {
      if (this.#lastSpace === -1) this.#lastSpace = start;
      if (this.#afterNewline === -1 && flags & NEWLINE) this.#afterNewline = next;
    } else {
      this.#space = start;
      this.#lastSpace = -1;
      this.#afterNewline = -1;
    }
  }

  #lettersEnd(): number {
    if (this.#lowerAfterUpper !== -1) return this.#lowerAfterUpper;
    return this.#lastLower === -1 ? this.#upper : this.#lastLower;
  }

  #spaceEnd(start: number): number {
    if (this.#afterNewline !== -1) return this.#afterNewline;
    return this.#space < this.#textEnd && this.#lastSpace > start ? this.#lastSpace : this.#space;
  }
}

function sameEnd(end: number, other: number): number {
  return end === NO_END || end === other ? other : -1;
}
