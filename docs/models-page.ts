import { PROFILES } from '../contract/models/profiles.ts';
import { profileRows } from '../emulator/models/profile-table.ts';

const EVIDENCE = {
  'kimi-capture': 'captured from the live service, or tested on it by its official suite',
  'kimi-doc': 'an official document',
  'client-author': 'reported by the author of a client',
  article: 'the article that defined the session dialect',
  ours: 'not known; decided by this project',
} as const;

/** The text of docs/models.md. */
export function modelsPage(): string {
  const legend = Object.entries(EVIDENCE).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`);
  const models = PROFILES.map((profile) => {
    const rows = profileRows(profile).map(
      ({ name, cell, fact }) => `| ${name} | ${cell} | \`${fact.evidence}\` | ${fact.source}, ${fact.date} |`,
    );
    return `## ${profile.id}\n\n| what | | evidence | source |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `# Models

What is known of the models of the live service: what they accept and how they behave. This page is generated from
\`contract/models/\` by \`npm run docs\`; \`npx kimi-emulator models\` prints the models side by side. The emulator answers
as each of them, retired or not, unless \`--models\` names some; \`kimi-emulator tools check\` checks tools for any of them.

| evidence | means |
|---|---|
${legend.join('\n')}

${models.join('\n')}`;
}
