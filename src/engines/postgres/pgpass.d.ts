declare module 'pgpass' {
  /** Calls back with the password that libpq's password file holds for a login, or with undefined. */
  export default function pgpass(login: object, done: (password?: string) => void): void
}
