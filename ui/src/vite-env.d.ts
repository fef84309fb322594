declare module '*.module.css' {
  const classes: Record<string, string>
  export default classes
}
declare module 'virtual:drawn.css'
