const ENGLISH_OPENING =
  /^(?:(?:as|in|using) json[,:]?\s+)?(?:please\s+|(?:can|could|would|will) you\s+(?:please\s+)?|i (?:want|need)\s+|what\s*(?:['’]s|is|are|was|were)\s+)?(?:(?:give|show|tell|send|list|return|extract|find|state|report|provide|output|print|write|get|name|recall|summari[sz]e|reply|respond|answer)\s+(?:with\s+)?(?:me\s+|us\s+)?)?(?:(?:only|just|in|an?|the)\s+)*(?:json(?:\s+object)?(?:\s+(?:with|of|containing)\s+|\s*:\s*))?/i;
/** What follows a list: `as JSON`, `of the user`. */
const ENGLISH_END = /[.?!:;]|\s+(?:as|in|of|for|from|using|with|to|on|at|into|please|that|which|who)\b/i;
const ENGLISH_NAME =
  /^(?:what\s+(?:is|are)\s+)?(?:(?:the|an?|my|your|his|her|its|our|their)\s+)?([\p{L}_][\p{L}\p{N}_-]*(?:\s(?!(?:the|an?|my|your)\s)[\p{L}\p{N}_-]+){0,2})$/iu;

const HAN_OPENING =
  /^(?:请问?|帮我|用|以|按|把)*\s*(?:JSON\s*(?:格式|形式)?(?:来|，|,|地)?\s*)?(?:给出|给我|告诉我?|列出|返回|输出|提取|提供|说出|回答|写出)?(?:我|一下)?\s*/i;
const HAN_END = /[。？！?!，,；;]|(?:分别|各)?(?:是|为|有)?(?:什么|多少|哪|谁|几)|(?:用|以|按)\s*JSON/i;
const HAN_NAME = /^(?:.{1,12}的)?([\p{L}\p{N}_ -]{1,12})$/u;

const MAX_LENGTH = 500;

/** The names that a question lists without more ado: `the city and the age as JSON`, `给出城市和年龄`. One alone is no list. */
export function listedNames(question: string): string[] {
  for (const line of question.slice(0, MAX_LENGTH).split('\n')) {
    const names = /\p{Script=Han}/u.test(line)
      ? partsOf(line.trim(), HAN_OPENING, HAN_END, /\s*(?:、|以及|还有|和|与|及|跟)\s*/, HAN_NAME)
      : partsOf(line.trim(), ENGLISH_OPENING, ENGLISH_END, /\s*,\s*(?:and\s+)?|\s+(?:and|&)\s+/i, ENGLISH_NAME);
    if (names.length > 1) return names;
  }
  return [];
}

/** Empty where a part is no name. */
function partsOf(line: string, opening: RegExp, end: RegExp, between: RegExp, name: RegExp): string[] {
  const rest = line.replace(opening, '');
  const list = rest.slice(0, end.exec(rest)?.index);
  const names = list.split(between).map((part) => name.exec(part.trim())?.[1]);
  return names.every((part) => part !== undefined) ? [...new Set(names)] : [];
}
