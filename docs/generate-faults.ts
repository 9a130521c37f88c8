import { readFileSync, writeFileSync } from 'node:fs';
import { faultsTable, withTable } from './faults/table.ts';

const page = new URL('./faults.md', import.meta.url);
writeFileSync(page, withTable(readFileSync(page, 'utf8'), await faultsTable()));
