import { createFrom } from './postgres-database.ts'

/** Creates `ngwenya_auth`, an authentication service's database (60,000 users), with the superuser of `url`. */
export const seedAuth = (url: string): Promise<void> => createFrom(url, 'ngwenya_auth', './ngwenya-auth.sql')

/** Creates `ngwenya_uchat`, a chat service's database (200,000 messages), with the superuser of `url`. */
export const seedUchat = (url: string): Promise<void> => createFrom(url, 'ngwenya_uchat', './ngwenya-uchat.sql')
