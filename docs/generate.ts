import { readFileSync, writeFileSync } from 'node:fs';
import { reportSchema } from '../conformance/report/report.ts';
import { apiReference } from './api-reference.ts';
import { faultsTable, withTable } from './faults/table.ts';
import { modelsPage } from './models-page.ts';
import { withOptions, withRollingOptions } from './options-table.ts';
import { makeScreenshots } from './screenshots.ts';

/** `npm run docs`: the pages, and parts of pages, that follow from the sources. */
const pages: Record<string, (page: string) => string | Promise<string>> = {
  'api.md': apiReference,
  '../README.md': withOptions,
  'agents.md': withRollingOptions,
  'models.md': modelsPage,
  'conformance-report.schema.json': reportSchema,
  'faults.md': async (page) => withTable(page, await faultsTable()),
};

for (const [name, generate] of Object.entries(pages)) {
  const path = new URL(name, import.meta.url);
  writeFileSync(path, await generate(readFileSync(path, 'utf8')));
}

const problem = await makeScreenshots();
if (problem !== undefined) console.warn(problem);
