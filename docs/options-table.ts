import { readFileSync } from 'node:fs';
import { type Flag, OPTION_NAMES, OPTIONS } from '../emulator/options.ts';

const TABLE = /(<!-- options: npm run docs -->\n)[\s\S]*?(<!-- \/options -->)/;

/** The page with the table of options as the options are now. */
export function withOptions(page: string): string {
  const rows = OPTION_NAMES.map((name) => {
    const { flag, meaning, otherwise }: { flag?: Flag; meaning: string; otherwise: string } = OPTIONS[name];
    return `| \`${name}\` | ${flag ? `\`--${[flag.name, flag.value].filter(Boolean).join(' ')}\`` : ''} | ${meaning} | ${otherwise} |`;
  });
  const table = ['| option | flag | what it is | default |', '|---|---|---|---|', ...rows].join('\n');
  return page.replace(TABLE, (_, start, end) => `${start}${table}\n${end}`);
}

const ROLLING = /(<!-- rolling options: npm run docs -->\n)[\s\S]*?(<!-- \/rolling options -->)/;

/** The page with the options of `RollingSession.open`, as their type and its comments have them. */
export function withRollingOptions(page: string): string {
  const source = readFileSync(new URL('../client/rolling/context.ts', import.meta.url), 'utf8');
  const [, members = ''] = /export interface RollingOptions \{\n([\s\S]*?)\n\}/.exec(source) ?? [];
  const options = [...members.matchAll(/^ {2}(?:\/\*\* (.*) \*\/\n {2})?(\w+)\?: (.*);$/gm)];
  const rows = options.map(([, meaning = '', name, type = '']) => {
    return `| \`${name}\` | \`${type.replaceAll('|', '\\|')}\` | ${meaning} |`;
  });
  const table = ['| option | type | what it is |', '|---|---|---|', ...rows].join('\n');
  return page.replace(ROLLING, (_, start, end) => `${start}${table}\n${end}`);
}
