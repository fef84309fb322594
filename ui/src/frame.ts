// What a signed-in visit begins with, as one file: the frame around every page and the first page in it. /boot.js has the
// browser fetch it before the application runs, see scripts/vite-plugins.mjs.
export { FirstArea } from './routes/FirstArea'
export { HomePage } from './routes/home/HomePage'
export { OrgPages } from './routes/OrgPages'
export { SignedIn } from './shell/SignedIn'
