import type { MutantResult } from './judge.ts';
import { holdsUp, type Proof } from './prove.ts';

/** The proof as a page of Markdown. The same proof makes the same page. */
export function renderProof(proof: Proof): string {
  const { mutants, benign, nulls, toothless } = proof;
  const killed = mutants.filter(({ survived }) => survived.length === 0).length;
  const unblamed = benign.filter(({ blamed }) => blamed.length === 0).length;
  const unfooled = nulls.filter(({ fooled }) => fooled.length === 0).length;
  return [
    '# What shows that the kit can fail',
    '',
    'Made by `npm run prove -- --write` in a checkout. A broken server is an unmodified emulator behind a proxy, or with an injected part. It',
    'counts as caught only when the checks named here say `fail` on it.',
    '',
    `* Broken servers caught: ${killed} of ${mutants.length}`,
    `* Harmless variants that no check blames: ${unblamed} of ${benign.length}`,
    `* Servers without the API that do not pass: ${unfooled} of ${nulls.length}`,
    `* MUST checks that no broken server makes fail: ${toothless.length}`,
    '',
    `The proof ${holdsUp(proof) ? 'holds' : 'DOES NOT HOLD'}.`,
    '',
    ...toothless.map((check) => `* \`${check}\` cannot be seen to fail`),
    '## Broken servers',
    ...areas(mutants).flatMap((area) => areaTable(area, mutants)),
    '',
    '## Harmless variants',
    '',
    '| variant | a server where | blamed by |',
    '|---|---|---|',
    ...benign.map(({ variant, blamed }) =>
      row(variant.id, variant.differs, blamed.map(({ id }) => id).join(', ') || '–'),
    ),
    '',
    '## Servers without the API',
    '',
    '| server | is | exit codes |',
    '|---|---|---|',
    ...nulls.map(({ subject, exitCodes, fooled }) =>
      row(subject.id, subject.is, codesText(exitCodes) + (fooled.length > 0 ? ` FOOLED: ${fooled.join(', ')}` : '')),
    ),
    '',
  ].join('\n');
}

function areas(mutants: readonly MutantResult[]): string[] {
  return [...new Set(mutants.map(({ mutant }) => mutant.area))];
}

function areaTable(area: string, mutants: readonly MutantResult[]): string[] {
  const mine = mutants.filter(({ mutant }) => mutant.area === area);
  return [
    '',
    `### ${area}`,
    '',
    '| broken server | broken so that | caught by |',
    '|---|---|---|',
    ...mine.map(({ mutant, killed, survived }) => {
      const missed = survived.map(({ id, verdict }) => `MISSED by \`${id}\` (${verdict})`);
      return row(mutant.id, mutant.broken, [...killed.map((id) => `\`${id}\``), ...missed].join('<br>'));
    }),
  ];
}

function codesText(codes: Readonly<Record<string, number>>): string {
  return Object.entries(codes)
    .map(([profile, code]) => `${profile}: ${code}`)
    .join(', ');
}

function row(...cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
