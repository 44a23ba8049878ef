import { Button, Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components'
import { useWords } from '../words/words'

const KEYS = ['N', 'D', 'E', 'T', 'U', '/', 'J K', 'Enter', 'G F', 'G H', 'G R', 'Esc', '?'] as const

export type ShortcutKey = (typeof KEYS)[number]

/** What each key does, shown by `?`. */
export default function ShortcutSheet({ close }: { close: () => void }) {
  const words = useWords()
  return (
    <ModalOverlay className="backdrop" isOpen onOpenChange={close} isDismissable>
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
