/** What is done at the desk about a resident's card, in the order of the menu. */
export const deskActs = ['register', 'unblock', 'block'] as const;
export type DeskAct = (typeof deskActs)[number];
