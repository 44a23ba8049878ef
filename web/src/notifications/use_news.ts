import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { useMe } from '../api/queries'
import { preferences } from '../app/preferences'
import { now } from '../live/clock'
import { useAnnouncements } from '../live/live'
import { useSession } from '../session/session'
import { useOpenExport } from '../settings/exports'
import { toast } from '../ui/toasts'
import { useLanguage, useWords } from '../words/words'
import { permission, showOnce, tellWhileVisible } from './browser'
import { newsOf, type News } from './news'
import { isQuiet } from './quiet_hours'

/** Tell the member what is announced to them: in the page while it is looked at, else by the browser if they want it. */
export function useNews(): void {
  const words = useWords()
  const language = useLanguage()
  const { userId } = useSession()
  const me = useMe().data
  const cache = useQueryClient()
  const navigate = useNavigate()
  const openExport = useOpenExport()
  const heard = useRef(new Set<string>())
  useEffect(() => tellWhileVisible(userId), [userId])

  const act = (news: News) => {
    if (news.act === null) return
    if ('exportId' in news.act) void openExport(news.act.exportId)
    else void navigate({ to: news.act.to })
  }
  const showInPage = (news: News) => {
    const actions = news.act === null ? [] : [{ words: news.act.words, act: () => act(news) }]
    toast({ text: `${news.title}: ${news.body}`, actions, problem: news.act === null })
  }
  const showByBrowser = (news: News) => {
    // The tag lets a second one of the same id replace the first, where a lock was lost.
    const shown = new Notification(news.title, { body: news.body, tag: news.id, icon: '/icons/192.png' })
    shown.addEventListener('click', () => {
      window.focus()
      shown.close()
      act(news)
    })
  }

  useAnnouncements((announcement) => {
    const news = newsOf(announcement, words, language)
    if (news === null || heard.current.has(news.id)) return
    heard.current.add(news.id)
    void cache.invalidateQueries({ queryKey: news.changes })
    if (document.visibilityState === 'visible') {
      showInPage(news)
      return
    }
    const wanted = preferences().browserNotifications && permission() === 'granted' && me !== undefined
    if (wanted && !isQuiet(me.notifications, me.timezone, now())) {
      void showOnce(userId, news.id, () => showByBrowser(news)).catch(() => undefined) // this browser has none
    }
    // What no list keeps is said when the person is back.
    if (!news.kept) document.addEventListener('visibilitychange', () => showInPage(news), { once: true })
  })
}
