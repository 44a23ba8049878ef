/** What the server that delivers the page has written into it. */
export interface Configuration {
  /** Clerk's key for browsers; null where the stand-in signs people in. */
  clerk_publishable_key: string | null
  /** Address of the Clerk stand-in of a development stack. */
  stand_in_url: string | null
}

function read(): Configuration {
  const text = document.getElementById('config')?.textContent ?? '{}'
  return { clerk_publishable_key: null, stand_in_url: null, ...(JSON.parse(text) as Partial<Configuration>) }
}

export const configuration = read()
