import { useEffect, useRef, useState } from 'react'
import {
  Button,
  Dialog,
  Heading,
  Label,
  Modal,
  ModalOverlay,
  Slider,
  SliderThumb,
  SliderTrack,
} from 'react-aria-components'
import Cropper, { type Area } from 'react-easy-crop'
import 'react-easy-crop/react-easy-crop.css'
import { useWords } from '../words/words'
import { cut, fileOf } from './picture'

const MAX_ZOOM = 4
const PREVIEWS = [96, 40]

interface Properties {
  picture: HTMLCanvasElement
  saving: boolean
  error: string | null
  save: (file: Blob) => void
  close: () => void
}

/** Which square of the picture everybody will see: dragged and zoomed, by hand or with the keys. */
export default function CropDialog({ picture, saving, error, save, close }: Properties) {
  const words = useWords()
  const mine = words.settings
  const url = useAddress(picture)
  const [crop, setCrop] = useState({ x: 0, y: 0 })
  const [zoom, setZoom] = useState(1)
  const [area, setArea] = useState<Area | null>(null)
  return (
    <ModalOverlay
      className="backdrop"
      isOpen
      onOpenChange={(open) => !open && close()}
      isKeyboardDismissDisabled={saving}
    >
      <Modal className="dialog crop">
        <Dialog>
          <Heading slot="title">{mine.cropTitle}</Heading>
          <p className="quiet">{mine.cropHint}</p>
          <div className="cropper">
            {url !== null && (
              <Cropper
                image={url}
                crop={crop}
                zoom={zoom}
                maxZoom={MAX_ZOOM}
                aspect={1}
                cropShape="round"
                showGrid={false}
                keyboardStep={4}
                onCropChange={setCrop}
                onZoomChange={setZoom}
                onCropAreaChange={(_, pixels) => setArea(pixels)}
                cropperProps={{ role: 'group', 'aria-label': mine.cropArea }}
                disableAutomaticStylesInjection
              />
            )}
          </div>
          <div className="zoom">
            <Slider value={zoom} onChange={setZoom} minValue={1} maxValue={MAX_ZOOM} step={0.05}>
              <Label>{mine.zoom}</Label>
              <SliderTrack>
                <SliderThumb />
              </SliderTrack>
            </Slider>
            <div className="previews" aria-hidden>
              {PREVIEWS.map((size) => (
                <Preview key={size} picture={picture} area={area} size={size} />
              ))}
            </div>
          </div>
          {error !== null && (
            <p className="error" role="alert">
              {error}
            </p>
          )}
          <footer>
            <Button className="button" onPress={close} isDisabled={saving}>
              {mine.cancel}
            </Button>
            <Button
              className="button main"
              isDisabled={area === null || saving}
              onPress={() => area !== null && void cut(picture, area).then(save)}
            >
              {saving ? mine.saving : mine.cropSave}
            </Button>
          </footer>
        </Dialog>
      </Modal>
    </ModalOverlay>
  )
}

/** What others will see, as large as they will see it. */
function Preview({ picture, area, size }: { picture: HTMLCanvasElement; area: Area | null; size: number }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const context = canvas.current?.getContext('2d')
    if (!context || area === null) return
    const edge = size * devicePixelRatio
    context.canvas.width = edge
    context.canvas.height = edge
    context.imageSmoothingQuality = 'high'
    context.drawImage(picture, area.x, area.y, area.width, area.height, 0, 0, edge, edge)
  }, [picture, area, size])
  return <canvas ref={canvas} style={{ width: size, height: size }} />
}

/** An address for the picture while it is shown; null until there is one. */
function useAddress(picture: HTMLCanvasElement): string | null {
  const [url, setUrl] = useState<string | null>(null)
  useEffect(() => {
    let made: string | null = null
    let wanted = true
    void fileOf(picture).then((file) => {
      if (!wanted) return
      made = URL.createObjectURL(file)
      setUrl(made)
    })
    return () => {
      wanted = false
      if (made !== null) URL.revokeObjectURL(made)
    }
  }, [picture])
  return url
}
