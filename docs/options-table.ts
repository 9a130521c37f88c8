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
