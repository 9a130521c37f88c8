import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
export const SHARED = fileURLToPath(new URL('../../shared/', import.meta.url));
const CHARACTERS = 1_000_000;

/** About a million characters each of what people send. Real text except for the logs. */
export function ordinaryTexts(): Record<string, string> {
  const texts: Record<string, string> = {
    english: installedFiles((name) => name === 'README.md'),
    code: installedFiles((name) => /\.(js|ts)$/.test(name) && !name.includes('.min.')),
    logs: logs(),
  };
  for (const [kind, name] of [
    ['chinese', 'story-of-the-stone.txt'],
    ['json', 'tau-airline.jsonl'],
  ] as const) {
    const path = join(SHARED, 'data', name);
    if (existsSync(path)) texts[kind] = readFileSync(path, 'utf8').slice(0, CHARACTERS);
    else console.warn(`no ${kind} text: ${path} is not there`);
  }
  return texts;
}

/** A million characters each of what makes ordinary pair merging quadratic. */
export function worstTexts(): Record<string, string> {
  const random = randomNumbers();
  const from = (alphabet: string) => {
    const letters = Array.from(alphabet);
    return Array.from({ length: CHARACTERS }, () => letters[random(letters.length)]).join('');
  };
  const lowerCase = 'abcdefghijklmnopqrstuvwxyz';
  return {
    'one letter': 'a'.repeat(CHARACTERS),
    'one Han character': '中'.repeat(CHARACTERS),
    'random letters': from(lowerCase),
    spaces: ' '.repeat(CHARACTERS),
    emoji: '😀'.repeat(CHARACTERS / 2),
    digits: from('0123456789'),
    dashes: '-'.repeat(CHARACTERS),
    'mixed case': from(lowerCase + lowerCase.toUpperCase()),
    'combining marks': from('\u0300\u0301\u0302'),
    'line ends and spaces': from('\n  '),
    'random Han': from('天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏'),
  };
}

function installedFiles(wanted: (name: string) => boolean): string {
  const folder = join(ROOT, 'node_modules');
  let text = '';
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (text.length >= CHARACTERS) break;
    if (entry.isFile() && wanted(entry.name))
      text += readFileSync(join(entry.parentPath, entry.name), 'utf8').slice(0, 50_000);
  }
  return text.slice(0, CHARACTERS);
}

function logs(): string {
  const random = randomNumbers();
  const lines: string[] = [];
  for (let size = 0, second = 0; size < CHARACTERS; second++) {
    const time = new Date(1_795_334_400_000 + second * 137).toISOString();
    const level = ['INFO', 'INFO', 'INFO', 'WARN', 'DEBUG'][random(5)];
    const id = random(2 ** 24)
      .toString(16)
      .padStart(8, '0');
    const line = `${time} ${level} [worker-${random(16)}] request ${id} GET /api/v1/items/${random(9_999)} 200 ${random(900)}ms`;
    lines.push(line);
    size += line.length + 1;
  }
  return lines.join('\n');
}

function randomNumbers(): (below: number) => number {
  let state = 1;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}
