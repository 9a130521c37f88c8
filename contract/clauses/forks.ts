export const FORKS = {} as const;
