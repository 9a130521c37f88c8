export const SNAPSHOTS = {} as const;
