import { RouterProvider } from '@tanstack/react-router'
import { createRoot } from 'react-dom/client'
import '../ui/tokens.css'
import '../ui/base.css'
import { loadWay, WayContext } from '../session/way'
import { loadWords } from '../words/words'
import { preferences, showTheme } from './preferences'
import { router } from './router'

showTheme()
const [way] = await Promise.all([loadWay(), loadWords(preferences().language)])
const root = document.getElementById('root')
if (root === null) throw new Error('the page has no #root')
createRoot(root).render(
  <WayContext value={way}>
    <RouterProvider router={router} />
  </WayContext>,
)
