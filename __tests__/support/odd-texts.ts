/** Passwords and names with everything that a URL encodes, a shell, YAML, SQL or libpq quotes, or Unicode folds. */
export const oddTexts: readonly string[] = [
  'p@ss:w/rd?#%',
  '%41%zz%',
  ' spaces around ',
  `it's "quoted" \\back\\`,
  '\\',
  '$HOME `id` $(id) !*;&|<>(){}[]~^',
  'host=evil user=x',
  'postgres://x:y@z/w?sslmode=require',
  'a=b&c=d+e,f',
  'ünïcödé 🐊 名',
  // Compatibility characters and a space beyond ASCII, which SASLprep maps to others.
  'e\u0301 ﬁ\u00a0½',
  '{"json": [1]} # no comment: yes',
  "- 'yaml': *alias &anchor !!tag |",
  '-rf --help',
]
