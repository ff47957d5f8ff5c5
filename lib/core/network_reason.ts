/**
 * Why a request failed, in the system's words: what `fetch` throws tells it only in its cause.
 *
 * @param error What `fetch` threw.
 * @returns "dns error: ...", "tcp connect error: ...", or the message of the error where it has no cause.
 */
export function networkReason(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message.replace(/^error sending request.*?\): /, "") : message;
}
