import type { ModelProfile } from '../../contract/models/profile.ts';
import type { RequestContext } from '../http/context.ts';
import { setHeader } from '../http/respond.ts';
import { requireProfile, retirementNote } from '../models/known-models.ts';

/**
 * The profile of the model that a request names. A header of the answer says where the live API has that model no longer.
 * @throws ApiError `model_not_found`
 */
export function modelOf(c: RequestContext, name: string): ModelProfile {
  const services = c.get('services');
  const profile = requireProfile(services, name);
  const note = retirementNote(services, profile);
  if (note !== undefined) setHeader(c, 'Kimi-Emulator-Note', note);
  return profile;
}
