import { Group, Radio, SimpleGrid, Text, type SimpleGridProps } from '@mantine/core'
import '@mantine/core/styles/Radio.layer.css'
import '@mantine/core/styles/RadioCard.layer.css'
import '@mantine/core/styles/RadioIndicator.layer.css'

/** Ways to choose from, each told in a sentence; a `Radio.Group` stands around them. */
export function RadioCards({ ways, cols, mt }: {
  ways: readonly { value: string; label: string; text: string }[]
} & Pick<SimpleGridProps, 'cols' | 'mt'>) {
  return (
    <SimpleGrid cols={cols ?? 1} spacing="xs" {...(mt !== undefined && { mt })}>
      {ways.map(({ value, label, text }) => (
        <Radio.Card
          key={value}
          value={value}
          p="sm"
          radius="md"
          style={{ display: 'flex', alignItems: 'flex-start' }}
          aria-label={label}
        >
          <Group wrap="nowrap" gap="sm" align="flex-start">
            <Radio.Indicator mt={2} />
            <div>
              <Text size="sm" fw={550}>{label}</Text>
              <Text size="xs" c="dimmed">{text}</Text>
            </div>
          </Group>
        </Radio.Card>
      ))}
    </SimpleGrid>
  )
}
