import { admin } from './admin'
import { api } from './api'
import { focus } from './focus'
import { history } from './history'
import { notifications } from './notifications'
import { reports } from './reports'
import { session } from './session'
import { settings } from './settings'
import { shell } from './shell'
import { team } from './team'
import { time } from './time'

export const en = { admin, api, focus, history, notifications, reports, session, settings, shell, team, time }
