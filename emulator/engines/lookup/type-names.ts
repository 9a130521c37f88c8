/** Names that schemas, signatures and documentation give to types; those that are also everyday words are left out. */
const TYPE =
  '(?:str(?:ing)?|num(?:ber)?|int(?:eger)?(?:32|64)?|long|float(?:32|64)?|double|bool(?:ean)?|obj(?:ect)?|dict|array|字符串|整数|数字|布尔值?|对象|数组)';
const GENERIC = '(?:array|list|set|map|record|dict|optional|union|promise|literal)\\s*[<[]';

/** `string`, `"string"`, `string | null`, `string (required)`, `string, the path to read`, `string[]`, `list[str]`, `<string>` */
const TYPE_NAME = new RegExp(
  `^["'\`<{\\s]*(?:(?:an?|optional|required|nullable)\\s+)?(?:${GENERIC}|${TYPE}(?:$|["'\`>}\\s]*$|\\s*[?|<[({,;:=)/&，；。.–—]|\\s+-\\s|\\s+(?:required|optional|or|of|with|that|which|containing)\\b))`,
  'i',
);
/** `{"type": "string", …}` */
const SCHEMA = /^\{\s*"(?:type|\$ref|anyOf|enum)"\s*:/;

/** Whether a text that stands where a value may stand says of which type the value is. */
export const isTypeName = (text: string): boolean => TYPE_NAME.test(text.slice(0, 80)) || SCHEMA.test(text);

/** Whether a name is followed by its type, as in `path (string)`: what comes then describes it. */
export const declaresType = (name: string): boolean => isTypeName(/[(（]\s*(.*)$/s.exec(name)?.[1] ?? '');
