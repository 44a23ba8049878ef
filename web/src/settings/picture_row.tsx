import { useMutation, useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { Button, FileTrigger } from 'react-aria-components'
import { data } from '../api/client'
import { keys, meQuery } from '../api/queries'
import type { Me } from '../api/types'
import { useApi } from '../app/providers'
import { Avatar } from '../ui/avatar'
import { useProblemWords } from '../ui/problems'
import { useWords } from '../words/words'
import { NoPicture, opened } from './picture'
import { Row } from './row'

const CropDialog = lazy(() => import('./crop_dialog'))
const ACCEPTED = ['image/jpeg', 'image/png', 'image/webp', 'image/gif']
/** How the address of an uploaded picture ends; the one of the sign-in service cannot be removed here. */
const UPLOADED = '/256.webp'
const SHOWN_SIZE = 64

/** The member's picture: replaced by a part of one they choose, or removed. */
export function Picture({ me }: { me: Me }) {
  const words = useWords().settings
  const [chosen, setChosen] = useState<HTMLCanvasElement | null>(null)
  const [refused, setRefused] = useState(false)
  const change = useChangePicture()
  const problem = useProblemWords()
  const choose = async (files: FileList | null) => {
    const file = files?.item(0)
    if (!file) return
    change.reset()
    setRefused(false)
    try {
      setChosen(await opened(file))
    } catch (error) {
      if (!(error instanceof NoPicture)) throw error
      setRefused(true)
    }
  }
  const error = refused ? words.pictureRefused : change.isError && chosen === null ? problem(change.error) : null
  return (
    <Row title={words.picture} hint={words.pictureHint}>
      {(named) => (
        <div className="picture">
          <Avatar key={me.avatar_url} id={me.id} name={me.name} url={me.avatar_url} size={SHOWN_SIZE} />
          <FileTrigger acceptedFileTypes={ACCEPTED} onSelect={(files) => void choose(files)}>
            <Button className="button" aria-describedby={named['aria-describedby']}>
              {words.pictureChoose}
            </Button>
          </FileTrigger>
          {me.avatar_url?.endsWith(UPLOADED) && (
            <Button className="button plain" isDisabled={change.isPending} onPress={() => change.mutate(null)}>
              {words.pictureRemove}
            </Button>
          )}
          {error !== null && (
            <p className="error" role="alert">
              {error}
            </p>
          )}
          {chosen !== null && (
            <Suspense>
              <CropDialog
                picture={chosen}
                saving={change.isPending}
                error={change.isError ? problem(change.error) : null}
                save={(file) => change.mutate(file, { onSuccess: () => setChosen(null) })}
                close={() => {
                  change.reset()
                  setChosen(null)
                }}
              />
            </Suspense>
          )}
        </div>
      )}
    </Row>
  )
}

/** Send a picture, or with `null` go back to the one at the sign-in service. */
function useChangePicture() {
  const api = useApi()
  const cache = useQueryClient()
  return useMutation({
    mutationFn: async (file: Blob | null): Promise<string | null> => {
      if (file === null) {
        await api.DELETE('/api/v1/me/avatar')
        return (await cache.query({ ...meQuery(api), staleTime: 0 })).avatar_url
      }
      const sent = api.PUT('/api/v1/me/avatar', {
        body: file as unknown as string, // the document knows bytes as text
        bodySerializer: (body) => body as unknown as Blob,
        headers: { 'content-type': file.type },
      })
      return (await data(sent)).avatar_url
    },
    onSuccess: (avatar_url) => {
      cache.setQueryData<Me>(keys.me, (me) => me && { ...me, avatar_url })
    },
  })
}
