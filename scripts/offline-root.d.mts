export function makeOfflineRoot(root: string): void;
