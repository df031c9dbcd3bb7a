/** What is done at the desk about a resident's card, in the order of the menu. */
export const deskActs = ['register', 'replace', 'unblock', 'block', 'retire'] as const;
export type DeskAct = (typeof deskActs)[number];

/** Those that two members of staff of different roles sign. */
export type TwoHandedAct = Extract<DeskAct, 'replace' | 'retire'>;
