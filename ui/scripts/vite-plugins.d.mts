import type { Plugin } from 'vite'

export function drawn(): Plugin
export function hints(): Plugin
