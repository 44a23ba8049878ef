import type { Words } from '../words'

export const notifications: Words['notifications'] = {}
