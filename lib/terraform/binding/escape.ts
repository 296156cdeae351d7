/**
 * A value for Terraform's JSON syntax, in which every string is a template: `${` and `%{` are doubled, once, so that
 * they arrive as they are. Keys are left alone: none of ours can hold them.
 */
export function escapeTemplates<T>(value: T): T {
  if (typeof value === 'string') return value.replace(/([$%])\{/g, '$1$1{') as T;
  if (Array.isArray(value)) return value.map((item: unknown) => escapeTemplates(item)) as T;
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, escapeTemplates(item as unknown)]),
    ) as T;
  }
  return value;
}
