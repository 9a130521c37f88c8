import { LIMITS, type Limits } from '../../contract/limits.ts';
import { SessionLimits } from '../../contract/sessions.ts';
import { show } from './expect.ts';

type Stated = Partial<Record<keyof typeof SessionLimits.shape, number>>;

const NAMES = SessionLimits.keyof().options;

/**
 * What a target states of its limits, as far as it can be believed: cases send as much as a limit says, so nobody's word may make them send
 * more than the contract has, or than the target was declared to have.
 * @param stated as it came, whatever it is
 * @returns what is used, and what is not, each in one line
 */
export function believable(stated: unknown, declared: Limits): { used: Stated; refused: string[] } {
  const given = (typeof stated === 'object' && stated !== null ? stated : {}) as Record<string, unknown>;
  const used: Stated = {};
  const refused: string[] = [];
  for (const name of NAMES) {
    const { [name]: value } = given;
    const { min, default: contracts } = LIMITS[name];
    const most = Math.max(contracts, declared[name]);
    if (value === undefined) continue;
    if (!isWhole(value)) refused.push(`${name} ${show(value)} (no whole number)`);
    else if (value < min || value > most) refused.push(`${name} ${value} (${min} to ${most})`);
    else used[name] = value;
  }
  return { used, refused };
}

function isWhole(value: unknown): value is number {
  return Number.isInteger(value);
}
