/** Python files below the paths (relative to the project), sorted. Default: all there are. */
export function pythonFiles(roots?: string[]): string[];
/** Lines about what is wrong in the files; with `write`, files are formatted instead of being reported for their format. */
export function lint(files: string[], write?: boolean): string[];
