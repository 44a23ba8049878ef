import { Button, Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components'
import { useWords } from '../words/words'
import { useActForOthers, type Act } from './acts'

/** Asks before an act on somebody else's focus, because the admin cannot take it back. */
export function Confirm({ act, close }: { act: Act | null; close: () => void }) {
  return (
    <ModalOverlay className="backdrop" isOpen={act !== null} onOpenChange={(open) => !open && close()} isDismissable>
      <Modal className="dialog">{act !== null && <Question act={act} close={close} />}</Modal>
    </ModalOverlay>
  )
}

function Question({ act, close }: { act: Act; close: () => void }) {
  const words = useWords().admin
  const perform = useActForOthers()
  const { kind, expectation } = act
  const { name } = expectation.user
  return (
    <Dialog role="alertdialog" className="confirm">
      <Heading slot="title">{kind === 'complete' ? words.completeTitle(name) : words.withdrawTitle(name)}</Heading>
      <blockquote className="typed">{expectation.title}</blockquote>
      <p className="quiet">{kind === 'complete' ? words.completeNote(name) : words.withdrawNote(name)}</p>
      <footer>
        <Button className="button" onPress={close} autoFocus>
          {words.leave}
        </Button>
        <Button
          className={kind === 'complete' ? 'button main' : 'button danger'}
          isDisabled={perform.isPending}
          onPress={() => perform.mutate(act, { onSettled: close })}
        >
          {kind === 'complete' ? words.complete : words.withdraw}
        </Button>
      </footer>
    </Dialog>
  )
}
