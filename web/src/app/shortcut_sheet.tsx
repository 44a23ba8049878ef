import { Button, Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components'
import { useWords } from '../words/words'

interface Properties {
  isOpen: boolean
  onOpenChange: (open: boolean) => void
}

const KEYS = ['N', 'D', 'E', 'T', 'U', '/', 'J K', 'Enter', 'G F', 'G H', 'G R', 'Esc', '?'] as const

export type ShortcutKey = (typeof KEYS)[number]

/** What each key does, shown by `?`. */
export function ShortcutSheet({ isOpen, onOpenChange }: Properties) {
  const words = useWords()
  return (
    <ModalOverlay className="backdrop" isOpen={isOpen} onOpenChange={onOpenChange} isDismissable>
      <Modal className="dialog">
        <Dialog>
          <Heading slot="title">{words.shell.shortcuts}</Heading>
          <table className="shortcuts">
            <tbody>
              {KEYS.map((key) => (
                <tr key={key}>
                  <th scope="row">
                    {key.split(' ').map((letter) => (
                      <kbd key={letter}>{letter}</kbd>
                    ))}
                  </th>
                  <td>{words.shell.keys[key]}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <Button slot="close" className="button">
            {words.shell.close}
          </Button>
        </Dialog>
      </Modal>
    </ModalOverlay>
  )
}
