import { rulesOf } from '../rule.ts';

const { must } = rulesOf('kimi-wire');

/** What can be chatted with. */
export const MODELS_RULES = {
  'models.list': must('kimi', 'The models are listed as `{"object":"list","data":[…]}`.'),
  'models.entry': must(
    'kimi',
    'A model is told with its id, time, owner `moonshot`, context length and what it supports.',
  ),
  'models.context-length': must('kimi', 'Every listed model has a context length.'),
  'models.window': must('ours', 'The context length of the model is its window.'),
  'models.offered': must('kimi', 'The model that is chatted with is on the list.'),
  'models.by-id': must('ours', 'A model can be read by its id, under every name that it has.'),
  'models.unknown': must('ours', 'A model that is not there is told from one that is: 404, in the words of a chat.'),
} as const;
