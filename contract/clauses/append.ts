export const APPEND = {} as const;
