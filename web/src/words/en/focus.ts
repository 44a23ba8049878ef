export const focus = {}
