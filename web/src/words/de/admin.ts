import type { Words } from '../words'

export const admin: Words['admin'] = {}
