const CODE_ENDING = /(?:[;{}]|=>|\)\s*:|\*\/)\s*$/;
const CODE_START =
  /^\s*(?:import |export |const |let |var |function |class |interface |def |from \S+ import|return\b|if ?\(|else\b|for ?\(|while ?\(|switch ?\(|case |#include|#define|package |public |private |protected |static |fn |func |impl |struct |use \w+::|@\w+|\/\/|\/\*|\*[ /]|'use |"use |\}|\)|\]|<\/?\w+[^>]*>$)/;
const STRONG =
  /^\s*(?:(?:import|export) [\w{*].*(?:from\s|[;{=])|(?:const|let|var) [\w{[].*=|(?:async )?function\*? ?\w*\(|#include ["<]|(?:public|private) \w+ |def \w+\(.*:\s*$)|^\s+.*(?:[;{]|\);?)$/;
const DECLARATION =
  /^(?:export |default |declare |public |private |protected |static |final |abstract |async |pub(?:\(\w+\))? |unsafe |extern )*(?:(?:function|class|interface|type|enum|struct|trait|impl|def|fn|func|module|namespace|package|const|let|var|#define|val|object)\b[* ]+[\w$[{]|[\w$.]+ ?= ?(?:async )?(?:function|\([^)]*\) ?=>|class\b)|(?:exports|module\.exports)\b)|^CREATE (?:TABLE|INDEX|VIEW)/i;
/** A name given a value that can be written down: what readers of code come back for. */
const CONSTANT = /[\w"'\])>]\s?[:=]\s?(?:-?\d|["'`][^"'`]|true\b|false\b|None\b|\/\S)/;
const COMMENT = /^(?:\/\/+|\/\*+|\*+(?!\/)|#(?!include|define|if|endif|\{)|--|<!--|;;|"""|''')\s?/;
const COMMENT_ENDS = ['*/', '-->', '"""', "'''"];

const SAMPLE_LINES = 60;

/** Whether most of a text's first lines are code. */
export function isCodeText(text: string): boolean {
  const sample = text
    .slice(0, 6_000)
    .split('\n', SAMPLE_LINES)
    .filter((line) => line.trim() !== '');
  const code = sample.filter((line) => CODE_ENDING.test(line) || CODE_START.test(line)).length;
  return sample.length >= 3 && code >= sample.length * 0.45;
}

/** Whether one line is surely code, wherever it stands. */
export const isCodeLine = (line: string): boolean => STRONG.test(line) && CODE_ENDING.test(line);

export const isDeclaration = (line: string): boolean => DECLARATION.test(line);
export const setsConstant = (line: string): boolean => CONSTANT.test(line);

/** The words of a comment line without blanks around it, or undefined where the line is none. */
export function commentOf(line: string): string | undefined {
  if (!COMMENT.test(line)) return undefined;
  const words = line.replace(COMMENT, '');
  const end = COMMENT_ENDS.find((mark) => words.endsWith(mark));
  return (end === undefined ? words : words.slice(0, -end.length)).trim();
}
