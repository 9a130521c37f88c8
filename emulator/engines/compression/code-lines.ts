const ENDING = /(?:[;{}]|=>|\)\s*:|\*\/)\s*$/;
const OPENING = startsWith(
  'import , export , const , let , var , function , class , interface , def , return\\b, else\\b, case , package ',
  'public , private , protected , static , fn , func , impl , struct , if ?\\(, for ?\\(, while ?\\(, switch ?\\(',
  'from \\S+ import, #include, #define, use \\w+::, @\\w+, //, /\\*, \\*[ /], [\'"]use , [})\\]], </?\\w+[^>]*>$',
);
/** What a line of prose would not be, wherever it stands. */
const STRONG = startsWith(
  '(?:import|export) [\\w{*].*(?:from\\s|[;{=]), (?:const|let|var) [\\w{[].*=, (?:async )?function\\*? ?\\w*\\(',
  '#include ["<], (?:public|private) \\w+ , def \\w+\\(.*:\\s*$',
);
const INDENTED = /^\s+.*(?:[;{]|\);?)$/;

const MODIFIER =
  'export|default|declare|public|private|protected|static|final|abstract|async|pub(?:\\(\\w+\\))?|unsafe|extern';
const KEYWORD =
  'function|class|interface|type|enum|struct|trait|impl|def|fn|func|module|namespace|package|const|let|var|val|#define';
const DECLARATION = new RegExp(`^(?:(?:${MODIFIER}) )*(?:${KEYWORD})\\b[* ]+[\\w$[{]`);
const ASSIGNED =
  /^(?:export )?[\w$.]+ ?= ?(?:async )?(?:function|\([^)]*\) ?=>|class\b)|^(?:exports|module\.exports)\b/;
const TABLE = /^CREATE (?:TABLE|INDEX|VIEW)/i;

/** A name given a value that can be written down: what readers of code come back for. */
const CONSTANT = /[\w"'\])>]\s?[:=]\s?(?:-?\d|["'`][^"'`]|true\b|false\b|None\b|\/\S)/;
const COMMENT = /^(?:\/\/+|\/\*+|\*+(?!\/)|#(?!include|define|if|endif|\{)|--|<!--|;;|"""|''')\s?/;
const COMMENT_ENDS = ['*/', '-->', '"""', "'''"];

const SAMPLE_LINES = 60;
const SAMPLE_CHARS = 6_000;
/** So many of a text's lines look like code where it is code. */
const CODE_SHARE = 0.45;

/** A fence: the text around it is no code, whatever it looks like. */
export const isFence = (line: string): boolean => /^\s*(?:```|~~~)/.test(line);

/** Whether most of a text's first lines are code. */
export function isCodeText(text: string): boolean {
  const sample = text
    .slice(0, SAMPLE_CHARS)
    .split('\n', SAMPLE_LINES)
    .filter((line) => line.trim() !== '');
  const code = sample.filter((line) => ENDING.test(line) || OPENING.test(line)).length;
  return sample.length >= 3 && !sample.some(isFence) && code >= sample.length * CODE_SHARE;
}

/** Whether one line is surely code, wherever it stands. */
export const isCodeLine = (line: string): boolean => (STRONG.test(line) || INDENTED.test(line)) && ENDING.test(line);

export const isDeclaration = (line: string): boolean =>
  DECLARATION.test(line) || ASSIGNED.test(line) || TABLE.test(line);

export const setsConstant = (line: string): boolean => CONSTANT.test(line);

/** The words of a comment line without blanks around it, or undefined where the line is none. */
export function commentOf(line: string): string | undefined {
  if (!COMMENT.test(line)) return undefined;
  const words = line.replace(COMMENT, '');
  const end = COMMENT_ENDS.find((mark) => words.endsWith(mark));
  return (end === undefined ? words : words.slice(0, -end.length)).trim();
}

function startsWith(...lists: string[]): RegExp {
  return new RegExp(`^\\s*(?:${lists.flatMap((list) => list.split(', ')).join('|')})`);
}
