import { chmod, copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './run.ts'

/** Writes tls.key and tls.crt, for the names of this machine, and ca.crt: the certificate is its own authority. */
export async function makeCertificate(dir: string): Promise<void> {
  const [key, certificate] = [join(dir, 'tls.key'), join(dir, 'tls.crt')]
  const pair = ['-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '2']
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1']
  await run(['openssl', 'req', '-x509', ...pair, ...names])
  await copyFile(certificate, join(dir, 'ca.crt'))
  await chmod(key, 0o600)
}
