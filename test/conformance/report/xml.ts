export interface XmlElement {
  name: string;
  attributes: Record<string, string>;
  children: XmlElement[];
  text: string;
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const TAG = /<(\/?)([A-Za-z][\w.-]*)((?:\s+[A-Za-z][\w.-]*="[^"<]*")*)\s*(\/?)>/y;

/**
 * A strict parser for the part of XML 1.0 that reports are made of: elements, attributes in double quotes, text, entities.
 * @throws for anything that is not well formed, or not of that part
 */
export function parseXml(document: string): XmlElement {
  const [declaration = ''] = /^<\?xml version="1\.0" encoding="UTF-8"\?>\s*/.exec(document) ?? [];
  if (declaration === '') throw new Error('no declaration');
  if (!document.isWellFormed()) throw new Error('half a surrogate pair');
  const forbidden = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.exec(document);
  if (forbidden) throw new Error(`a character that XML has no place for, at ${forbidden.index}`);
  const root: XmlElement = { name: '', attributes: {}, children: [], text: '' };
  const open = [root];
  let at = declaration.length;
  while (at < document.length) {
    const inner = open.at(-1);
    if (!inner) throw new Error(`closed more than was opened, at ${at}`);
    TAG.lastIndex = at;
    const tag = TAG.exec(document);
    if (tag) {
      const [whole, closing, name = '', attributes = '', empty] = tag;
      if (closing) {
        if (inner.name !== name) throw new Error(`</${name}> closes <${inner.name}>`);
        open.pop();
      } else {
        const element = { name, attributes: attributesIn(attributes), children: [], text: '' };
        inner.children.push(element);
        if (!empty) open.push(element);
      }
      at += whole.length;
    } else {
      const end = document.indexOf('<', at + 1);
      const raw = document.slice(at, end === -1 ? document.length : end);
      if (raw.startsWith('<')) throw new Error(`no tag at ${at}: ${raw.slice(0, 40)}`);
      if (raw.includes(']]>')) throw new Error('a bare ]]>');
      inner.text += decoded(raw);
      at += raw.length;
    }
  }
  const [top] = root.children;
  if (open.length !== 1 || !top || root.children.length !== 1) throw new Error('not one element, closed');
  return top;
}

function attributesIn(text: string): Record<string, string> {
  const found = [...text.matchAll(/([\w.-]+)="([^"]*)"/g)].map(
    ([, name = '', value = '']) => [name, decoded(value)] as const,
  );
  if (new Set(found.map(([name]) => name)).size !== found.length) throw new Error('an attribute twice');
  return Object.fromEntries(found);
}

function decoded(text: string): string {
  return text.replace(/&(?:#(\d+)|(\w+));|&/g, (whole, number?: string, name?: string) => {
    if (number) return String.fromCodePoint(Number(number));
    const character = ENTITIES[name ?? ''];
    if (character === undefined) throw new Error(`no entity: ${whole}`);
    return character;
  });
}
