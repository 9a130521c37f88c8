import { MODEL_NAMES } from '../../contract/model-names.ts';
import { ApiError } from '../api-error.ts';

/** @throws ApiError with the live API's text where no such model is known */
export function requireModel(model: string): void {
  if (!MODEL_NAMES.includes(model)) throw new ApiError('model_not_found', { model });
}
