import { writeFileSync } from 'node:fs';
import { modelsPage } from './models-page.ts';

writeFileSync(new URL('models.md', import.meta.url), modelsPage());
