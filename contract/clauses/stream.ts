export const STREAM = {} as const;
