/** `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`: what a word may begin with. */
export const UPPER = 1;
/** `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`: what a word may end with. */
export const LOWER = 2;
/** What words are made of. */
export const LETTER = UPPER | LOWER;
/** `[^\s\p{L}\p{N}]`, marks included. */
export const PUNCTUATION = 4;
/** `\p{N}`. */
export const DIGIT = 8;
/** `\s`, line ends included. */
export const SPACE = 16;
/** `[\r\n]`. */
export const NEWLINE = 32;
/** What punctuation may drag behind it: line ends, and the slash in some vocabularies. */
export const TRAILING = 64;
/** `\p{Han}`, in vocabularies whose pattern sets that script apart; such characters are then neither UPPER nor LOWER. */
export const HAN = 128;

/** How a vocabulary's split pattern departs from the common form. */
export interface SplitDialect {
  /** Whether `[\p{Han}]+` comes first and words hold no Han character. */
  readonly hanApart: boolean;
  /** Whether punctuation drags slashes behind it as well as line ends. */
  readonly trailingSlash: boolean;
  /** Whether long text is encoded in parts: see `partEnds`. */
  readonly parted: boolean;
}

/** Characters of one part, and of a run of white space or of anything else in it, at most. */
const PART = { characters: 400_000, run: 25_000 } as const;

/** Whether text of so many bytes may have more than one part. */
export function mayBeParted(bytes: number): boolean {
  return bytes > PART.run;
}

/**
 * Where the parts of a text end that Moonshot's tokenizer encodes one by one, so that no piece goes across
 * [MoonshotAI/Kimi-Vendor-Verifier 3dad65a, 2026-08-13]. White space is what Python takes for it there.
 */
export function* partEnds(bytes: Uint8Array, flags: Uint8Array): Generator<number> {
  let characters = 0;
  let run = 0;
  let wasSpace = false;
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at] as number;
    const code = lead < 0x80 ? lead : codePointAt(bytes, at, lead);
    const isSpace = ((flags[code] as number) & SPACE) !== 0 || (code >= 0x1c && code <= 0x1f);
    run = isSpace === wasSpace ? run + 1 : 1;
    wasSpace = isSpace;
    if (characters === PART.characters || run > PART.run) {
      yield at;
      if (characters === PART.characters) characters = 0;
      run = 1;
    }
    characters++;
    at += characterBytes(lead);
  }
  yield bytes.length;
}

const FLAGS_OF_CLASS: Record<string, number> = {
  u: UPPER,
  l: LOWER,
  x: UPPER | LOWER,
  m: UPPER | LOWER | PUNCTUATION,
  n: DIGIT,
  s: SPACE,
  o: PUNCTUATION,
};

/** The flags of every code point under a dialect, indexed by code point. */
export function characterFlags(dialect: SplitDialect): Uint8Array {
  const flags = new Uint8Array(0x110000);
  let at = 0;
  for (const [, letter = '', digits] of UNICODE_CLASSES.matchAll(/([a-zA-Z])(\d*)/g)) {
    const run = digits === '' ? 1 : Number(digits);
    if (letter === 'p') {
      for (const end = at + 2 * run; at < end; at += 2) {
        flags[at] = UPPER;
        flags[at + 1] = LOWER;
      }
      continue;
    }
    flags.fill(flagsOfRun(letter, dialect), at, at + run);
    at += run;
  }
  for (const newline of [0x0a, 0x0d]) flags[newline] = SPACE | NEWLINE | TRAILING;
  if (dialect.trailingSlash) flags[0x2f] = PUNCTUATION | TRAILING;
  return flags;
}

function flagsOfRun(letter: string, dialect: SplitDialect): number {
  const lowerCase = letter.toLowerCase();
  const flags = FLAGS_OF_CLASS[lowerCase] ?? 0;
  const han = dialect.hanApart && letter !== lowerCase;
  return han ? (flags & ~(UPPER | LOWER)) | HAN : flags;
}

export const SPACE_BYTE = 0x20;
export const APOSTROPHE = 0x27;

/**
 * Cuts UTF-8 text into the pieces within which tokens are merged: what matching a vocabulary's split pattern again and
 * again yields, written out by hand so that it runs in linear time without making a string of any piece. The alternatives, in order
 * (the first only in some dialects, and words then hold no Han; `/` is trailing in some):
 *
 * 1. `[\p{Han}]+`
 * 2. `[^\r\n\p{L}\p{N}]?UPPER*LOWER+('s|'t|'re|'ve|'m|'ll|'d)?`, then the same with `UPPER+LOWER*`
 * 3. `\p{N}{1,3}`
 * 4. ` ?[^\s\p{L}\p{N}]+[\r\n/]*`
 * 5. `\s*[\r\n]+`, `\s+(?!\S)`, `\s+`
 */
export class Splitter {
  readonly #flags: Uint8Array;

  /** @param flags indexed by code point, see `characterFlags` */
  constructor(flags: Uint8Array) {
    this.#flags = flags;
  }

  /** Where the piece that begins at `at` ends, in text that ends at `end`; `at < end`, both between characters. */
  pieceEnd(bytes: Uint8Array, at: number, end: number): number {
    const plain = this.#plainWordEnd(bytes, at, end);
    return plain > at ? plain : this.#anyPieceEnd(bytes, at, end);
  }

  /** Most pieces of most texts: a space, if any, and an ASCII word in lower case, capitalised at most. Or `at`. */
  #plainWordEnd(bytes: Uint8Array, at: number, end: number): number {
    let start = at;
    let byte = bytes[start] as number;
    if (byte === SPACE_BYTE) byte = ++start < end ? (bytes[start] as number) : 0;
    if (byte >= 0x41 && byte <= 0x5a) byte = ++start < end ? (bytes[start] as number) : 0;
    let stop = start;
    while (byte >= 0x61 && byte <= 0x7a) byte = ++stop < end ? (bytes[stop] as number) : 0;
    return stop === start || byte === APOSTROPHE || byte >= 0x80 ? at : stop;
  }

  #anyPieceEnd(bytes: Uint8Array, at: number, end: number): number {
    const flags = this.flagsAt(bytes, at);
    const next = at + characterBytes(bytes[at] as number);
    if (flags & HAN) return this.#runEnd(bytes, next, end, HAN);
    if (flags & DIGIT) return this.#digitsEnd(bytes, next, end);
    // A mark may also lead a word as other signs do, which comes to the same as beginning it.
    if (flags & LETTER) return this.#wordEnd(bytes, at, end);
    if (flags & NEWLINE) return this.#spaceEnd(bytes, at, end);
    const nextFlags = next < end ? this.flagsAt(bytes, next) : 0;
    if (nextFlags & LETTER) return this.#wordEnd(bytes, next, end);
    const spaceThenSign = bytes[at] === SPACE_BYTE && (nextFlags & PUNCTUATION) !== 0;
    return flags & PUNCTUATION || spaceThenSign
      ? this.#runEnd(bytes, this.#runEnd(bytes, next, end, PUNCTUATION), end, TRAILING)
      : this.#spaceEnd(bytes, at, end);
  }

  /** The flags of the character that begins at `at`. */
  flagsAt(bytes: Uint8Array, at: number): number {
    const lead = bytes[at] as number;
    return this.#flags[lead < 0x80 ? lead : codePointAt(bytes, at, lead)] as number;
  }

  /** The end of the run of characters with any of `wanted` that begins at `at`. */
  #runEnd(bytes: Uint8Array, at: number, end: number, wanted: number): number {
    const table = this.#flags;
    let stop = at;
    while (stop < end) {
      const lead = bytes[stop] as number;
      if (lead < 0x80) {
        if (((table[lead] as number) & wanted) === 0) break;
        stop++;
      } else {
        if (((table[codePointAt(bytes, stop, lead)] as number) & wanted) === 0) break;
        stop += characterBytes(lead);
      }
    }
    return stop;
  }

  /** The end of a word, contraction included, whose letters begin at `at`. */
  #wordEnd(bytes: Uint8Array, at: number, end: number): number {
    const table = this.#flags;
    let stop = at;
    let lastLower = -1;
    let flags = 0;
    while (stop < end) {
      const lead = bytes[stop] as number;
      if (lead < 0x80) {
        // Of ASCII none is both.
        flags = table[lead] as number;
        if ((flags & UPPER) === 0) break;
        stop++;
      } else {
        flags = table[codePointAt(bytes, stop, lead)] as number;
        if ((flags & UPPER) === 0) break;
        stop += characterBytes(lead);
        if (flags & LOWER) lastLower = stop;
      }
    }
    if (stop < end && (flags & LOWER) !== 0) stop = this.#runEnd(bytes, stop, end, LOWER);
    else if (lastLower !== -1) stop = lastLower;
    return contractionEnd(bytes, stop, end);
  }

  /** The end of a number of at most three digits, the first of which ends at `next`. */
  #digitsEnd(bytes: Uint8Array, next: number, end: number): number {
    let stop = next;
    for (let digits = 1; digits < 3 && stop < end; digits++) {
      if ((this.flagsAt(bytes, stop) & DIGIT) === 0) break;
      stop += characterBytes(bytes[stop] as number);
    }
    return stop;
  }

  /** White space: up to its last line end; without one all of it, less its last character where text follows. */
  #spaceEnd(bytes: Uint8Array, at: number, end: number): number {
    const table = this.#flags;
    let stop = at;
    let afterNewline = -1;
    while (stop < end) {
      const lead = bytes[stop] as number;
      if (lead < 0x80) {
        const flags = table[lead] as number;
        if ((flags & SPACE) === 0) break;
        stop++;
        if (flags & NEWLINE) afterNewline = stop;
      } else {
        if (((table[codePointAt(bytes, stop, lead)] as number) & SPACE) === 0) break;
        stop += characterBytes(lead);
      }
    }
    if (afterNewline !== -1) return afterNewline;
    const lastStart = characterStart(bytes, stop - 1);
    return stop < end && lastStart > at ? lastStart : stop;
  }
}

/** Bytes of the character with this lead byte. */
export function characterBytes(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

/** Where the character begins that the byte at `at` belongs to; -1 before the text. */
export function characterStart(bytes: Uint8Array, at: number): number {
  let start = at;
  while (start > 0 && ((bytes[start] as number) & 0xc0) === 0x80) start--;
  return start;
}

function codePointAt(bytes: Uint8Array, at: number, lead: number): number {
  const second = (bytes[at + 1] as number) & 0x3f;
  if (lead < 0xe0) return ((lead & 0x1f) << 6) | second;
  const third = (bytes[at + 2] as number) & 0x3f;
  if (lead < 0xf0) return ((lead & 0x0f) << 12) | (second << 6) | third;
  return ((lead & 0x07) << 18) | (second << 12) | (third << 6) | ((bytes[at + 3] as number) & 0x3f);
}

/**
 * The end of the contraction at `at`, or `at` where there is none. Case is folded as the reference folds it: the long s
 * (U+017F) is an s.
 */
export function contractionEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at + 1 >= end || bytes[at] !== APOSTROPHE) return at;
  const first = bytes[at + 1] as number;
  const second = at + 2 < end ? (bytes[at + 2] as number) : 0;
  if (first === 0xc5) return second === 0xbf ? at + 3 : at;
  switch (first | 0x20) {
    case 0x73: // s
    case 0x74: // t
    case 0x6d: // m
    case 0x64: // d
      return at + 2;
    case 0x72: // re
    case 0x76: // ve
      return (second | 0x20) === 0x65 ? at + 3 : at;
    case 0x6c: // ll
      return (second | 0x20) === 0x6c ? at + 3 : at;
    default:
      return at;
  }
}

/**
 * The character classes that split patterns name, for every code point in order, as runs: a letter for the class and how
 * many code points have it (none: one). Checked in because counts must not change with the Unicode version of the Node
 * that runs them. Unicode 16, that of the `tiktoken` package; `test/engines/tokens/unicode-classes.test.ts` checks it against Node and the package.
 *
 * `u` Lu, Lt · `l` Ll · `x` Lm, Lo · `m` M · `n` N · `s` White_Space · `o` anything else · `p` a pair `ul` · a capital
 * letter: of that class, and of the script Han.
 */
const UNICODE_CLASSES =
  'o9s5o18so15n10o7u26o6l26o10so26so9xo7n2olo3nxon3ou23ou7l24ol8p27ul2p7ul2p23u2lulul3u2lulu2lu3l2u4lu2lu3l3u2lu2lp2' +
  'u2lul2ulu2lu3lulu2l2xul3x4u2lu2lu2lp7ul2p8ul2u2lulu3lp28ul7u2lu2l2ulu4lp3ul69x2l26x18o4x12o14x5o7xoxo17m112p2xoul' +
  'o2xl3ouo6uou3ouou2lu17ou9l35ul2u3l3p11ul5uloulu2l2u51l48p17om7p27u2lp5ul2p48ou38o2xo6l41o8m45omom2om2omo8x27o4x4' +
  'o29m11o5x43m21n10o4x2mx99oxm7o2m6x2m2om4x2n10x3o2xo16xmx30m27o2x89m11xo14n10x33m9x2o4xo2mo2x22m4xm9xm3xm5o18x25m3' +
  'o4x11o5x24ox6o8m9x42m24om33x54m3xm18xm7x10m2o2n10ox16m3ox8o2x2o2x22ox7oxo3x4o2mxm7o2m2o2m3xo8mo4x2ox3m2o2n10x2o2n6' +
  'o2xomo2m3ox6o4x2o2x22ox7ox2ox2ox2o2mom5o4m2o2m3o3mo7x4oxo7n10m2x3mo11m3ox9ox3ox22ox7ox2ox5o2mxm8om3om3o2xo15x2m2o2' +
  'n10o9xm6om3ox8o2x2o2x22ox7ox2ox5o2mxm7o2m2o2m3o7m3o4x2ox3m2o2n10oxn6o10mxox6o3x3ox4o3x2oxox2o3x2o3x3o3x12o4m5o3m3o' +
  'm4o2xo6mo14n13o13m5x8ox3ox23ox16o2mxm7om3om4o7m2ox3o2xo2x2m2o2n10o8n7oxm3ox8ox3ox23ox10ox5o2mxm7om3om4o7m2o6x2ox2' +
  'm2o2n10ox2mo12m4x9ox3ox41m2xm7om3om4xo5x3mn7x3m2o2n19ox6om3ox18o3x24ox9oxo2x7o3mo4m6omom8o6n10o2m2o13x48mx2m7o5x7' +
  'm8on10o39x2oxox5ox24oxox10mx2m9xo2x5oxom7on10o2x4o32xo23m2o6n20omomomo4m2x8ox36o4m20om2x5m11om36o9mo57x43m20xn10o6' +
  'x6m4x4m3xm3x2m7x3m4x13m12xmn10m4o2u38ouo5uo2l43oxl3x329ox4o2x7oxox4o2x41ox4o2x33ox4o2x7oxox4o2x15ox57ox4o2x67o2m3' +
  'o9n20o3x16o16u86o2l6o3x620o2x17sx26o5x75o3n3x8o7x18m4o9x19m3o11x18m2o12x13ox3om2o12x52m32o3xo4xmo2n10o6n10o17m3om' +
  'n10o6x89o7x5m2x34mxo5x70o10x31om12o4m12o10n10x30o2x5o11x44o4x26o6n11o37x23m5o4x53m10om29o2mn10o6n10o13xo8m31o49m5' +
  'x47m17x8o3n10o17m9o12m3x30m13x2n10x44m14o12x36m20o8n10o3x3n10x36o2l9ulo5u43o2u3o16m3om21x4mx6mx2m3xo5l44x63l13xl34' +
  'x37m64p74ul9p48ul9u8l6o2u6o2l8u8l8u8l6o2u6o2l8ououououl8u8l14o2l8u8l8u8l8u8l5ol2u5olo3l3ol2u5o3l4o2l2u4o4l8u5o5l3o' +
  'l2u5o3s11o29s2o5so47so16nxo2n6o5xn10o6x13o51m33o17uo4uo2lu3l2u3louo3u5o6uououou4olu4lx4lo2l2u2o5ul4o4lon51uln5o726' +
  'n60o78n22o630n30o1132u48l48ulu3l2p3u4lul2ul6x2u3lp48ul2o6p2m3ulo9no2l38olo5lo2x56o7xo15mx23o9x7ox7ox7ox7ox7ox7ox7o' +
  'x7om32o47xo80O26oO89o12O214o42so4XxNo25N9m6ox5o2N3Xxo4x86o2m2o2x3ox90ox4o5x43ox94o3n4o10x32o48x16o32n10o30n8on15' +
  'o32n10o39n15o320X6592o64X20992x1165o67x46o2x269o3x16n10x2o20p23xm4om10oxp14x2m2x70n10m2o37x9o2p6ul3p31xl8p2u2lp4x' +
  'o2p2xulul3p10u5lu5lp7u4lulu2lo2ulololp3uo21x3ulx3lx7mx3mx4mx23m5o4mo3n6o10x52o12m2x50m18o10n10o6m18x6o3xox2mn10x28' +
  'm8o2x23m13o12x29o3m4x47m14o14xn10o6x5mx10n10x5ox41m14o9x3mx8m2o2n10o6x23o3xm3x50mxm3x2m2x5m2xmxo24x3o2x11m5o2x3m2' +
  'o10x6o2x6o2x6o9x7ox7ol43ox4l9xo6l80x35m8om2o2n10o6x11172o12x23o4x49o8452X366o2X106o38l7o12l5o5xmx10ox13ox5oxox2ox2' +
  'ox108o33x363o18x64o2x54o40x12o4m16o16m16o64x5ox135o19n10o7u26o6l26o11x89o3x6o2x6o2x6o2x3o35x12ox26ox19ox2ox15o2x14' +
  'o34x123o12n45o12n57o17n2o113mo130x29o3x49o15mn27o4x32n4o9x20nx8no5x38m5o5x30o2x36o4x8on5o42u40l40x78o2n10o6u36o4' +
  'l36o4x40o8x52o12u11ou15ou7ou2ol11ol15ol7ol2o3x52o12x311o9x22o10x8o24x6ox42ox9o69x6o2xox44ox2o3xo2x23o2n8x23o2n7x31' +
  'o8n9o48x19ox2o5n5x22n6o4x26o70x56o4n2x2n16o2n46xm3om2o5m4x4ox3ox29o2m3o4mn9o23x29n2ox29n3o32x8ox28m2o4n5o16x54o10' +
  'x22o2n8x19o5n8x18o23n7o80x73o55u51o13l51o7n6x36m4o8n10o6n10x6u22o3m5oxl22o218n31ox42om2o3x2o16x3o55m4x29n10xo8x22' +
  'm11n4o27x18m4o42x21n7o20x23o9m3x53m15o11n30mx2m2xo9m4x45m11o7mo13x25o7n10o6m3x36m14on10o4xm2xo8x35mo2xo9m3x48m14x4' +
  'o4m4om2n10xoxo4n20o11x18ox25m12o6mx2mo62x7oxox4ox15ox10o7x47m12o5n10o6m4ox8o2x2o2x22ox7ox2ox5om2xm7o2m2o2m3o2xo6m' +
  'o5x5m2o2m7o3m5o11x10oxo2xox38oxm9omo2mom4om5xmxo13m2o29x53m18x4o5n10o4mx3o30x48m20x2oxo8n10o166x47m7o2m9o23x4m2o34' +
  'x48m17o3xo11n10o38x43m13xo7n10o6n20o28x27o2m15o4n12o4x7o185x44m15o101u32l32n19o12x8o2xo2x8ox2ox24m6om2o2m4xmxm2o12' +
  'n10o70x8o2x39m7o2m7xoxmo27xm10x40m7xm4o8mo8xm11x46m16o3xo18x73o199x33o15n10o6x9ox37m8om8xo15n29o5x30o2m22om14o73x7' +
  'ox2ox38m6o3mom2om7xmo8n10o6x6ox2ox32m5om2om5xo7n10o310x19m4o9m2xmx13ox34m7o3m5o13n10mo85xo15n21o43x922o102n111o17' +
  'x196o2636x97o15x1072o16mx6m15o10x3995o5x583o6841x30m18n10o1734x569o7x31on10o6x79on10o6x30o2m5o11x48m7o9x4o12n10on7' +
  'ox21o5x19o432x45o3n10o198u32l32n23o105x75o4mxm55o7m4x13o64x2OXmo11M2o14x6136o8x1238o41x10o8935x4ox7ox2ox291o15xo29' +
  'x3o2xo14x4o8x396o2308x107o5x13o3x9o7x10o3m2o4177n10o518m46o2m23o542m5o3m6o8m8o2m7o30m4o148m3o123n20o12n20o108n25' +
  'o135u26l26u26l7ol18u26l26uou2o2uo2u2o2u4ou8l4olol7ol11u26l26u2ou4o2u8ou7ol26u2ou4ou5ouo3u7ol26u26l26u26l26u26l26' +
  'u26l26u26l26u26l28o2u25ol25ol6u25ol25ol6u25ol25ol6u25ol25ol6u25ol25ol6ulo2n50o512m55o4m50o8mo14mo22m5om15o1104l10x' +
  'l20o6l6o213m7om17o2m7om2om5o5x62o33mo112x45o3m7x7o2n10o4xo321x30mo17x44m4n10o470x28m4n10o214x30m2xn10o485x7ox4ox2o' +
  'x15ox197o2n9m7o41u34l34m7xo4n10o791n59on3on4o76n45on15o194x4ox27ox2oxo2xox10ox4oxoxo6xo4xoxoxox3ox2oxo2xoxoxoxoxo' +
  'x2oxo2x4ox7ox4ox4oxox10ox17o5x3ox5ox17o580n13o2787n10o1030X42720o32X4154o6X222o2X5762o14X7473o15X622o2466X542o1506' +
  'X4939o5X4192o712016m240o196112';
