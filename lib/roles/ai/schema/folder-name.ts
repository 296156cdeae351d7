import { z } from 'zod';

/** One component of a path: a folder name. */
export const folderName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$/, 'is not a folder name: letters, digits, ".", "_" and "-"');
