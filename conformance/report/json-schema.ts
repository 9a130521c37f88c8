import { z } from 'zod';
import { Report } from './report.ts';

const LINE_WIDTH = 120;

/** The JSON Schema of a report, as text. Members that it does not name are allowed: a later kit may add some. */
export function reportSchema(): string {
  const schema = z.toJSONSchema(Report, { target: 'draft-2020-12', io: 'input' });
  return `${shortListsInOneLine(JSON.stringify({ title: 'Report of the Kimi conformance kit', ...schema }, null, 2))}\n`;
}

/** As the formatter of the repository has it, so that the generated file passes its check. */
function shortListsInOneLine(json: string): string {
  return json.replace(/^(.*)\[\n([^[\]{}]*)\n\s*\](,?)$/gm, (whole, before: string, items: string, after: string) => {
    const line = `${before}[${items.trim().replace(/,\n\s*/g, ', ')}]${after}`;
    return line.length <= LINE_WIDTH ? line : whole;
  });
}
