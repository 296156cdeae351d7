/** Seconds after which a client that was refused for the moment should come again. */
export const LATER = 5;

/** `status 404 content-type … string '…'`, an error in the form that OpenAI's clients read. */
export function refusal(status: number, message: string, type: string): string {
  return `status ${status} ${errorBody(message, type)}`;
}

/** `content-type application/json string '…'` */
export function errorBody(message: string, type: string): string {
  return `content-type application/json string '${JSON.stringify({ error: { message, type } })}'`;
}
