/** What must not be shown: registered when the settings are read, and blanked wherever text leaves the program. */
export interface Secrets {
  /** Registers a secret in each form in which a tool may print it. Empty text is no secret. */
  add(secret: string): void
  /** The text with every registered secret replaced by `***`. */
  scrub(text: string): string
}

// A MongoDB tool that cannot log in prints its URI; whatever stands before the last @ goes, registered or not.
const userinfo = /\b(mongodb(?:\+srv)?|postgres(?:ql)?):\/\/[^\s"']*@/gi

export function createSecrets(): Secrets {
  let forms: readonly string[] = []
  return {
    add(secret) {
      const jsonForm = JSON.stringify(secret).slice(1, -1)
      for (const form of [secret, encodeURIComponent(secret), encodeURI(secret), jsonForm]) {
        if (form === '' || forms.includes(form)) continue
        // Longest first, so that a secret inside another one does not leave the other's rest.
        forms = [...forms, form].sort((a, b) => b.length - a.length)
      }
    },
    scrub(text) {
      // The registered ones first: a URI's own shape may cut one of them in two and leave its rest.
      const blanked = forms.reduce((rest, form) => rest.replaceAll(form, '***'), text)
      return blanked.replace(userinfo, '$1://***@')
    },
  }
}
