import { writeFileSync } from 'node:fs';
import { reportSchema } from '../conformance/report/json-schema.ts';

writeFileSync(new URL('./conformance-report.schema.json', import.meta.url), reportSchema());
