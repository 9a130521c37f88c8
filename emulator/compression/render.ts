import { GAP, labelText } from './labels.ts';
import type { Layout } from './layouts.ts';
import type { Pacer } from './pacer.ts';
import { SECTIONS, type Section } from './sections.ts';
import type { Unit } from './unit.ts';

/**
 * Writes a summary: `head`, then section by section its lines in the order of the conversation.
 */
export async function renderSummary(
  head: string,
  lines: Iterable<Unit[]>,
  layout: Layout,
  pacer: Pacer,
): Promise<string> {
  const bySection = new Map<Section, Unit[][]>();
  for (const units of lines) {
    const section = units[0]?.section;
    if (section === undefined) continue;
    units.sort((a, b) => a.order - b.order);
    const others = bySection.get(section);
    if (others === undefined) bySection.set(section, [units]);
    else others.push(units);
    if (pacer.due()) await pacer.rest();
  }
  const parts = [head];
  for (const section of SECTIONS) {
    const own = bySection.get(section);
    if (own === undefined) continue;
    own.sort(([a], [b]) => (a?.order ?? 0) - (b?.order ?? 0));
    parts.push(layout.heading(section));
    for (const [index, units] of own.entries()) {
      parts.push(layout.line(lineText(units), index === 0));
      if (pacer.due()) await pacer.rest();
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
