// piece.ts: what a canonical prompt is made of.

/** What a piece of the canonical prompt is. Part of its hash, so the same text in another place is another prompt. */
export const PIECE = {
  argument: 1,
  tool: 2,
  document: 3,
  role: 4,
  roleName: 5,
  text: 6,
  json: 7,
  media: 8,
  reasoning: 9,
  toolName: 10,
  toolInput: 11,
  reference: 12,
  tokens: 13,
  unknown: 14,
  ending: 15,
  end: 16,
  tenant: 17,
} as const;

export type PieceKind = (typeof PIECE)[keyof typeof PIECE];
