import type { Words } from '../words'

export const team: Words['team'] = {}
