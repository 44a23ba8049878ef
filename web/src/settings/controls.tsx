/** The few controls of which settings are made. */
import { Check, ChevronDown } from 'lucide-react'
import {
  Button,
  ListBox,
  ListBoxItem,
  Popover,
  Select,
  SelectValue,
  SwitchButton,
  SwitchField,
} from 'react-aria-components'
import type { Named } from './row'

interface OnOffProperties extends Named {
  on: boolean
  change: (on: boolean) => void
  isDisabled?: boolean
}

export function OnOff({ on, change, ...properties }: OnOffProperties) {
  return (
    <SwitchField isSelected={on} onChange={change} {...properties}>
      <SwitchButton className="switch">
        <span className="track" aria-hidden />
      </SwitchButton>
    </SwitchField>
  )
}

export interface Choice<Value extends string> {
  value: Value
  text: string
}

interface OneOfProperties<Value extends string> extends Named {
  value: Value
  choices: readonly Choice<Value>[]
  change: (value: Value) => void
  isDisabled?: boolean
}

export function OneOf<Value extends string>({ value, choices, change, ...properties }: OneOfProperties<Value>) {
  return (
    <Select
      className="select"
      value={value}
      onChange={(chosen) => chosen !== value && change(chosen as Value)}
      {...properties}
    >
      <Button className="button">
        <SelectValue />
        <ChevronDown className="icon" aria-hidden />
      </Button>
      <Popover className="popover" placement="bottom end">
        <ListBox className="options" items={choices.map((choice) => ({ id: choice.value, ...choice }))}>
          {({ text }) => (
            <ListBoxItem textValue={text}>
              {text}
              <Check className="icon" aria-hidden />
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </Select>
  )
}
