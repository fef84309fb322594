import type { Plugin } from 'vite'

export function compressed(): Plugin
export function hints(): Plugin
