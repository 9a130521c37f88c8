import { writeFileSync } from 'node:fs';
import { reportSchema } from '../conformance/report/report.ts';

writeFileSync(new URL('./conformance-report.schema.json', import.meta.url), reportSchema());
