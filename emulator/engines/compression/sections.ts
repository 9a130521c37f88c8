/** Where a quotation stands in a summary, in reading order. */
export const SECTIONS = [
  'task',
  'constraints',
  'decisions',
  'facts',
  'files',
  'errors',
  'logs',
  'open',
  'recent',
  'notes',
] as const;

export type Section = (typeof SECTIONS)[number];

interface SectionRule {
  /** Below 16: see `lineKey`. */
  readonly number: number;
  /** Heading of the `outline` and `text` formats. */
  readonly title: string;
  /** Share of the budget the section may take while others still want room. */
  readonly share: number;
  /** What one newly covered term is worth here. */
  readonly weight: number;
}

/** Shares add up to more than one: a section that is short leaves its room to the others. */
export const SECTION_RULES: Readonly<Record<Section, SectionRule>> = {
  task: { number: 0, title: 'Task', share: 0.12, weight: 2 },
  constraints: { number: 1, title: 'Constraints', share: 0.2, weight: 1.5 },
  decisions: { number: 2, title: 'Decisions', share: 0.15, weight: 1.4 },
  facts: { number: 3, title: 'Facts', share: 0.6, weight: 1.2 },
  files: { number: 4, title: 'Files and declarations', share: 0.35, weight: 1 },
  errors: { number: 5, title: 'Errors', share: 0.2, weight: 1.7 },
  logs: { number: 6, title: 'Log templates', share: 0.2, weight: 1.2 },
  open: { number: 7, title: 'Open questions', share: 0.1, weight: 1.5 },
  recent: { number: 8, title: 'Recent turns', share: 0.1, weight: 1 },
  notes: { number: 9, title: 'Notes', share: 0.5, weight: 1 },
};
