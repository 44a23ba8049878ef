import type { Words } from '../words'

export const focus: Words['focus'] = {}
