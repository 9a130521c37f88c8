import { createReadStream } from 'node:fs';
import type { Step } from './step.ts';

/** A page is at most twice as long, and a text of N bytes has at most N tokens: no write is too large. */
const PAGE_BYTES = 3_500;
/** Zero bytes, or what invalid UTF-8 becomes. */
const NO_TEXT = /[\0\uFFFD]/;

/** A file of text, page by page, with a question about each. A binary file has no steps. */
export async function* pageSteps(path: string, name: string, reading: number): AsyncGenerator<Step> {
  let part = 0;
  for await (const page of pagesOf(path)) {
    if (NO_TEXT.test(page)) return;
    if (page.trim() === '') continue;
    part += 1;
    const heading = `${name}, part ${part}${reading > 1 ? `, reading ${reading}` : ''}`;
    yield { ask: `${heading}:\n\n${page.trim()}\n\nWhat does this part tell?`, ends: true };
  }
}

/** Pages end at a line's end where there is one in their second half. */
async function* pagesOf(path: string): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of createReadStream(path, { encoding: 'utf8', highWaterMark: PAGE_BYTES })) {
    const text = rest + piece;
    const lineEnd = text.lastIndexOf('\n') + 1;
    const end = lineEnd > text.length / 2 ? lineEnd : text.length;
    yield text.slice(0, end);
    rest = text.slice(end);
  }
  yield rest;
}
