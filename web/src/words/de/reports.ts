import type { Words } from '../words'

export const reports: Words['reports'] = {}
