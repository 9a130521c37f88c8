import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ROOT, trackedFiles } from '../house/graph.ts';

/** Words that were given up, as patterns, and what stands in their place. */
const RETIRED: readonly [pattern: RegExp, use: string][] = [
  [/purse/i, 'budget'],
  [/\bverdictOf\b|\bstanding\b/i, 'status, result'],
  [/\bkept[ -]?state\b|(?<!\w)(?:#|\.)keep\(|\bonKeep\b/i, 'baseline, saveBaseline'],
  [/\bpour(?:ed|s|ing)?\b|paced-?stream|\bstruck/i, 'writeTo, readable, faulty'],
  [/\bgrounds\b/i, 'details'],
  [/stranger|trespass/i, 'otherAccount, crossAccount'],
  [/\bspend-?lines\b|\bbooks\.ts|\baccount book|\bMAX_BOOKS\b/i, 'ledgers, breakdown'],
  [/\bremembering\(|(?:= |\/)later(?:\(|\.ts)/, 'memoize, lazy'],
  [/(?:\.|#)take\(/, 'consume, read, commit, pop'],
  [/\bnextTurn\b|turn of the event loop/i, 'tick'],
  [/\b(?:apiGroups|controlGroups)\b/, 'lazyRoutes'],
  [/(?<!there )\b(?:is|are|was|were) no (?!longer\b|more\b|less\b|other\b|one\b)/i, 'is not a …'],
  [/\b(?:that|which|it) (?:is|are) none\b/i, 'invalid'],
  [/\bc[oa]mes? about\b/i, 'happen'],
  [/\bby lot\b/i, 'random'],
  [/\bgone at the end\b/i, 'lost on exit'],
  [/\btakes? nothing any ?more\b|\bnothing any ?more\b/i, 'no longer'],
];

/** Permanent ids of checks and mutants. */
const IDS = /open-refuses-strangers|stranger-refused|strangers-dropped/g;

/** Names the words; a report that is generated; the texts that tests and benches read. */
const EXEMPT = ['test/docs/glossary.test.ts', 'docs/glossary.md', 'docs/conformance-proof.md', 'examples/input/'];

const checked = trackedFiles(/\.(?:ts|md|mjs|js|py)$/).filter(
  (path) => !EXEMPT.some((start) => path.startsWith(start)),
);

describe('the glossary', () => {
  it('gives each word one row, in order', () => {
    const rows = [...readFileSync(`${ROOT}docs/glossary.md`, 'utf8').matchAll(/^\| (.+?) \| (.+?) \| (.*?) ?\|$/gm)];
    const words = rows.map(([, word = '']) => word).slice(2);
    expect(words.length).toBeGreaterThan(40);
    expect(words).toEqual([...new Set(words)].toSorted((a, b) => a.toLowerCase().localeCompare(b.toLowerCase(), 'en')));
  });

  it.each(RETIRED)('%s stands nowhere: use %s', (pattern) => {
    const found = checked.flatMap((path) => {
      const lines = [
        path,
        ...readFileSync(ROOT + path, 'utf8')
          .replaceAll(IDS, '')
          .split('\n'),
      ];
      return lines.flatMap((line, index) => (pattern.test(line) ? [`${path}:${index}: ${line.trim()}`] : []));
    });
    expect(found).toEqual([]);
  });
});
