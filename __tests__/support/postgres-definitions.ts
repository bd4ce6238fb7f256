/** Schemas that hold the server's own objects; names starting with `pg_` are reserved. */
export const userSchema = (oid: string): string =>
  `(SELECT n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' FROM pg_namespace n WHERE n.oid = ${oid})`

/** What an extension brought comes back with the extension, as whatever its installed version says. */
export const notOfExtension = (oid: string): string =>
  `NOT EXISTS (SELECT FROM pg_depend x WHERE x.objid = ${oid} AND x.deptype = 'e')`

const column = `concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
  CASE WHEN a.attcollation <> t.typcollation THEN 'COLLATE ' || a.attcollation::regcollation END,
  CASE WHEN a.attnotnull THEN 'NOT NULL' END,
  nullif(format('identity %s', a.attidentity), 'identity '), nullif(format('generated %s', a.attgenerated), 'generated '),
  'default ' || pg_get_expr(d.adbin, d.adrelid), format('storage %s', a.attstorage), nullif(format('compression %s', a.attcompression), 'compression '))`

/**
 * One query per kind of object, each giving its name as `key` and its definition as `value`. They rely on an empty
 * `search_path`, which makes every name in a definition a qualified one. Owners and privileges are left out: a restore
 * may be asked to change them. PostgreSQL 15 to 18.
 */
export const definitions: readonly string[] = [
  // datlocale was daticulocale before 17.
  `SELECT 'database' AS key, concat_ws(', ', pg_encoding_to_char(encoding), datcollate, datctype, datlocprovider,
     coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')) AS value
   FROM pg_database d WHERE datname = current_database()`,
  `SELECT format('schema %I', nspname) AS key, '' AS value FROM pg_namespace WHERE ${userSchema('pg_namespace.oid')}`,
  `SELECT format('extension %I', extname) AS key, extversion AS value FROM pg_extension`,
  `SELECT format('%s %s', CASE relkind WHEN 'c' THEN 'type' ELSE 'table' END, c.oid::regclass) AS key, concat_ws(E'\\n',
     format('kind %s', relkind), format('persistence %s', relpersistence), CASE WHEN NOT relispopulated THEN 'not populated' END,
     'options ' || reloptions::text,
     'partitioned by ' || pg_get_partkeydef(c.oid), 'partition ' || pg_get_expr(relpartbound, c.oid),
     (SELECT 'inherits ' || string_agg(inhparent::regclass::text, ', ' ORDER BY inhseqno) FROM pg_inherits WHERE inhrelid = c.oid),
     (SELECT string_agg(${column}, E'\\n' ORDER BY a.attnum)
      FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)) AS value
   FROM pg_class c WHERE relkind IN ('r', 'p', 'm', 'c', 'f') AND ${userSchema('relnamespace')} AND ${notOfExtension('c.oid')}`,
  `SELECT format('%s %s', CASE relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END, oid::regclass) AS key,
     concat_ws(E'\\n', reloptions::text, pg_get_viewdef(oid)) AS value
   FROM pg_class c WHERE relkind IN ('v', 'm') AND ${userSchema('relnamespace')} AND ${notOfExtension('oid')}`,
  // 18 lists NOT NULL here too; the columns say it for every version.
  `SELECT format('constraint %I on %s', conname, CASE conrelid WHEN 0 THEN contypid::regtype::text ELSE conrelid::regclass::text END) AS key,
     pg_get_constraintdef(oid) AS value
   FROM pg_constraint WHERE contype <> 'n' AND ${userSchema('connamespace')}`,
  `SELECT format('index %s', indexrelid::regclass) AS key, concat_ws(' ', pg_get_indexdef(indexrelid),
     CASE WHEN NOT indisvalid THEN 'invalid' END, CASE WHEN indisclustered THEN 'clustered' END,
     CASE WHEN indisreplident THEN 'replica identity' END) AS value
   FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE ${userSchema('relnamespace')} AND ${notOfExtension('indrelid')}`,
  `SELECT format('function %s', oid::regprocedure) AS key, pg_get_functiondef(oid) AS value
   FROM pg_proc WHERE prokind <> 'a' AND ${userSchema('pronamespace')} AND ${notOfExtension('oid')}`,
  `SELECT format('trigger %I on %s', tgname, tgrelid::regclass) AS key, concat_ws(' ', pg_get_triggerdef(oid), 'enabled', tgenabled) AS value
   FROM pg_trigger WHERE NOT tgisinternal`,
  `SELECT format('rule %I on %s', rulename, ev_class::regclass) AS key, pg_get_ruledef(r.oid) AS value
   FROM pg_rewrite r JOIN pg_class c ON c.oid = ev_class WHERE rulename <> '_RETURN' AND ${userSchema('relnamespace')}`,
  `SELECT format('policy %I on %s', polname, polrelid::regclass) AS key, concat_ws(' ', polcmd, polpermissive,
     pg_get_expr(polqual, polrelid), 'check', pg_get_expr(polwithcheck, polrelid)) AS value FROM pg_policy`,
  `SELECT format('statistics %I.%I', stxnamespace::regnamespace, stxname) AS key, pg_get_statisticsobjdef(oid) AS value FROM pg_statistic_ext`,
  `SELECT format('type %s', t.oid::regtype) AS key, CASE typtype
     WHEN 'e' THEN (SELECT 'enum ' || string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid)
     ELSE concat_ws(' ', 'domain', format_type(typbasetype, typtypmod), CASE WHEN typnotnull THEN 'NOT NULL' END, typdefault) END AS value
   FROM pg_type t WHERE typtype IN ('e', 'd') AND ${userSchema('typnamespace')} AND ${notOfExtension('t.oid')}`,
  // 16384 is the first oid that is not the server's own; the schema public (2200) is the server's, its comment the user's.
  `SELECT format('comment on %s %s', o.type, o.identity) AS key, description AS value
   FROM pg_description, pg_identify_object(classoid, objoid, objsubid) o
   WHERE objoid >= 16384 OR (objoid = 2200 AND classoid = 'pg_namespace'::regclass)`,
  // lo_get reads holes as zeros, as a restore writes them; pg_largeobject's own pages would differ.
  `SELECT format('large object %s', oid) AS key, format('%s bytes, md5 %s', length(lo_get(oid)), md5(lo_get(oid))) AS value
   FROM pg_largeobject_metadata`,
]
