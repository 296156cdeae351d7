/** First line of a block of ours in a file that is shared with others. */
export function beginMarker(name: string): string {
  return `# BEGIN citadel-iac ${name}`;
}

/** Last line of a block of ours. */
export function endMarker(name: string): string {
  return `# END citadel-iac ${name}`;
}

/** A block as it stands in the file; `text` ends with a line end, or gets one. */
export function renderBlock(name: string, text: string): string {
  const body = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  return `${beginMarker(name)}\n${body}${endMarker(name)}\n`;
}
