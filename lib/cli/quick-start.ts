import { config } from 'zod';

/**
 * Imported before anything that declares a schema. Zod would otherwise compile code for every object schema at its
 * first use, which pays after thousands of values; a command checks a few documents and ends.
 */
config({ jitless: true });
