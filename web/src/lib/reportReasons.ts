/** Why a template can be reported, as the contract has it. */
export const REASONS = ['offensive', 'copyright', 'privacy', 'spam', 'other'] as const;
export type Reason = (typeof REASONS)[number];

export function isReason(name: string): name is Reason {
  return (REASONS as readonly string[]).includes(name);
}
