export const MODELS = {} as const;
