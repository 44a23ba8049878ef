import { useState } from 'react'
import { Button, ToggleButton, ToggleButtonGroup } from 'react-aria-components'
import { prefer, usePreferences, type Theme } from '../app/preferences'
import { askForPermission, usePermission } from '../notifications/browser'
import { languages, loadWords, useLanguage, useWords } from '../words/words'
import { OneOf, OnOff } from './controls'
import { Row, Section, type Named } from './row'

const THEMES: readonly Theme[] = ['system', 'light', 'dark']
const AS_BROWSER = 'browser'

/** What is chosen for this browser alone. */
export function ThisBrowser() {
  const words = useWords().settings
  const chosen = usePreferences()
  return (
    <Section id="browser" title={words.browser} intro={words.browserIntro}>
      <Row title={words.theme}>
        {(named) => (
          <ToggleButtonGroup
            className="segments"
            aria-labelledby={named['aria-labelledby']}
            disallowEmptySelection
            selectedKeys={[chosen.theme]}
            onSelectionChange={([theme]) => prefer({ theme: theme as Theme })}
          >
            {THEMES.map((theme) => (
              <ToggleButton key={theme} id={theme}>
                {words.themes[theme]}
              </ToggleButton>
            ))}
          </ToggleButtonGroup>
        )}
      </Row>
      <Row title={words.language}>{(named) => <Language {...named} />}</Row>
      <Row title={words.shortcuts} hint={words.shortcutsHint}>
        {(named) => <OnOff {...named} on={chosen.shortcuts} change={(shortcuts) => prefer({ shortcuts })} />}
      </Row>
      <BrowserNotifications />
    </Section>
  )
}

function Language(named: Named) {
  const words = useWords().settings
  const chosen = usePreferences().language
  const change = (value: string) => {
    const language = value === AS_BROWSER ? null : value
    prefer({ language })
    void loadWords(language)
  }
  return (
    <OneOf
      {...named}
      value={chosen ?? AS_BROWSER}
      change={change}
      choices={[
        { value: AS_BROWSER, text: words.languageOfBrowser },
        ...languages.map((tag) => ({ value: tag, text: nameOf(tag) })),
      ]}
    />
  )
}

/** In itself, so that who needs it can read it. */
function nameOf(language: string): string {
  const name = new Intl.DisplayNames(language, { type: 'language' }).of(language) ?? language
  return name.charAt(0).toLocaleUpperCase(language) + name.slice(1)
}

/** Asked of the browser on a click, never before; what the person can do when it refused. */
function BrowserNotifications() {
  const words = useWords().settings
  useLanguage()
  const permission = usePermission()
  const { browserNotifications: wanted } = usePreferences()
  const [works, setWorks] = useState(true)
  const turnOn = async () => {
    if ((await askForPermission()) !== 'granted') return
    try {
      // Shows how they look, and whether this browser shows them at all: on Android it says so only when asked to.
      new Notification(words.notifyTrialTitle, { body: words.notifyTrial, icon: '/icons/192.png', tag: 'trial' })
      prefer({ browserNotifications: true })
    } catch {
      setWorks(false)
    }
  }
  const state = works ? permission : 'unsupported'
  return (
    <Row title={words.notify} hint={words.notifyHints[state]}>
      {(named) =>
        state === 'granted' ? (
          <OnOff
            {...named}
            on={wanted}
            change={(on) => (on ? void turnOn() : prefer({ browserNotifications: false }))}
          />
        ) : state === 'default' ? (
          <Button className="button" aria-describedby={named['aria-describedby']} onPress={() => void turnOn()}>
            {words.notifyAsk}
          </Button>
        ) : (
          <span className="quiet">{state === 'denied' ? words.notifyBlocked : words.notifyMissing}</span>
        )
      }
    </Row>
  )
}
