import { rulesOf } from '../rule.ts';

const { kimi, ours } = rulesOf('kimi-wire');

/** The models of the server. */
export const MODELS_RULES = {
  'models.list': kimi('The models are listed as `{"object":"list","data":[…]}`.'),
  'models.entry': kimi('A model has an id, created, owner `moonshot`, context length and what it supports.'),
  'models.context-length': kimi('Every listed model has a context length.'),
  'models.window': ours('The context length of the model is its window.'),
  'models.offered': kimi('The model that the kit chats with is listed.'),
  'models.by-id': ours('A model can be read by its id and by each alias.'),
  'models.unknown': ours('An unknown model is refused with 404 and the same text as in a chat.'),
} as const;
