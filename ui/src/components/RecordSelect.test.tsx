import { MantineProvider } from '@mantine/core'
import { cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, expect, test, vi } from 'vitest'
import { RecordSelect } from './RecordSelect'

afterEach(cleanup)

const shown = (props: Partial<Parameters<typeof RecordSelect>[0]>) => render(
  <MantineProvider env="test"><RecordSelect label="Answered by" empty="No assistant yet." data={[]} {...props} /></MantineProvider>,
)

test('a choice that is empty says so, and makes one in place', () => {
  const open = vi.fn()
  shown({ create: { label: 'New assistant', open } })
  expect(screen.queryByRole('combobox')).toBeNull()
  expect(screen.getByText('No assistant yet.')).toBeTruthy()
  fireEvent.click(screen.getByRole('button', { name: 'New assistant' }))
  expect(open).toHaveBeenCalledOnce()
})

test('who may make none reads why there is nothing to choose', () => {
  shown({})
  expect(screen.getByText('No assistant yet.')).toBeTruthy()
  expect(screen.queryByRole('button')).toBeNull()
})

test('until the records are here nothing is said to be missing', () => {
  shown({ data: undefined })
  expect(screen.queryByText('No assistant yet.')).toBeNull()
  expect(screen.getByRole<HTMLInputElement>('combobox').disabled).toBe(true)
})
