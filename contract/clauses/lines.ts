export const LINES = {} as const;
