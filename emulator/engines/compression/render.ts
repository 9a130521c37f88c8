import { GAP, labelText } from './labels.ts';
import type { Layout } from './layouts.ts';
import type { Pacer } from './pacer.ts';
import { SECTIONS, type Section } from './sections.ts';
import type { Unit } from './unit.ts';

/** Writes a summary: `head`, then section by section the chosen units, which come in the order of the conversation. */
export async function renderSummary(
  head: string,
  chosen: readonly (Unit | undefined)[],
  layout: Layout,
  pacer: Pacer,
): Promise<string> {
  const sections = new Map<Section, Map<number, Unit[]>>();
  for (const unit of chosen) {
    if (pacer.due()) await pacer.rest();
    if (unit === undefined) continue;
    const lines = sections.get(unit.section) ?? new Map<number, Unit[]>();
    sections.set(unit.section, lines);
    const line = lines.get(unit.line);
    if (line === undefined) lines.set(unit.line, [unit]);
    else line.push(unit);
  }
  const parts = [head];
  for (const section of SECTIONS) {
    const lines = sections.get(section);
    if (lines === undefined) continue;
    parts.push(layout.heading(section));
    let first = true;
    for (const units of lines.values()) {
      if (pacer.due()) await pacer.rest();
      parts.push(layout.line(lineText(units), first));
      first = false;
    }
    parts.push(layout.sectionEnd);
  }
  parts.push(layout.foot);
  return parts.join('');
}

function lineText(units: readonly Unit[]): string {
  let text = '';
  let previous: Unit | undefined;
  for (const unit of units) {
    if (previous === undefined) text = labelText(unit) + unit.text;
    else if (unit.joint === '; ') text += unit.joint + unit.text;
    else text += (unit.position === previous.position + 1 ? ' ' : GAP) + unit.text;
    previous = unit;
  }
  return text;
}
