import { ClientResponseError } from 'pocketbase'
import { describe, expect, test } from 'vitest'
import { t } from '../lib/i18n'
import { pictureProblem } from './picture'

const refused = (code: string, message: string) =>
  new ClientResponseError({ status: 400, data: { status: 400, message: 'Failed to update record.', data: { avatar: { code, message } } } })

describe('why a picture was not taken', () => {
  test('the size in pixels is named, and the rule with it', () => {
    const { title, cause } = pictureProblem(refused('validation_image', 'The image has more than 15 million pixels.'), t)
    expect(title).toBe('picture.refused')
    expect(cause).toBe('The image has more than 15 million pixels. picture.rule')
  })
  test.each(['validation_file_size_limit', 'validation_invalid_mime_type'])('%s: the rule says it in people’s words', (code) => {
    expect(pictureProblem(refused(code, 'Failed to upload 2097152 bytes'), t).cause).toBe('picture.rule')
  })
  test('another failure keeps its own words', () => {
    expect(pictureProblem(new ClientResponseError({ status: 413 }), t).status).toBe(413)
    expect(pictureProblem(new ClientResponseError({ status: 400 }), t).cause).toBe('picture.rule')
  })
})
