import { z } from 'zod';
import { absolutePath, manifestSchema } from './schema.js';

/**
 * JSON Schema (draft 2020-12) of a host manifest, for editors and other languages. It describes the shape of each
 * value; the rules between sections (two sections claiming one path, unknown owners) are in `validateManifest` alone.
 */
export function manifestJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(manifestSchema, {
    override: ({ zodSchema, jsonSchema }) => {
      // zod cannot translate a function; this is the same rule without its length limits.
      if (zodSchema === absolutePath) {
        jsonSchema.pattern = String.raw`^(/(?!\.{1,2}(/|$))[^/\u0000-\u001f\u007f]+)+$`;
      }
    },
  });
  return { title: 'Citadel IaC host manifest, version 1', ...schema };
}
